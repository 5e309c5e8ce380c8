/* Messages that lie in memory which their sender shares: between the two ends of a real link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/borrowing.h"
#include "common/bus/inbox.h"
#include "common/bus/lending.h"
#include "common/bus/link.h"
#include "common/wire/pack.h"

enum { WAITING = 3, SIZE = 8192, LINK = 5, SOON_MS = 20, LONG_MS = 60000 };

struct rig {
    char folder[32];
    struct bus *bus;
    struct inbox *inbox;
    struct link *link;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char endpoint[64];
    int error;
    snprintf(rig->folder, sizeof rig->folder, "/tmp/lending-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/data", rig->folder);
    rig->bus = bus_new(&error);
    rig->inbox = inbox_new(rig->bus, endpoint, "", WAITING, &error);
    rig->link = link_new_data(rig->bus, endpoint, "", WAITING, LINK, &error);
    assert_non_null(rig->link);
    assert_int_not_equal(bus_realm(rig->bus), 0);
    link_lend(rig->link);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    link_free(&rig->link, 0);
    inbox_free(&rig->inbox);
    bus_free(&rig->bus);
    rmdir(rig->folder);
    free(rig);
    return 0;
}

/* A message whose body is so many bytes of that value, begun where the link wants it. */
static struct buffer begin(struct rig *rig, uint8_t value, size_t length)
{
    struct buffer message = {0};
    static uint8_t bytes[4 * SIZE];
    memset(bytes, value, length);
    assert_int_equal(link_fill(rig->link, &message, SIZE), 0);
    message_open(&message);
    pack_bin(&message, bytes, length);
    return message;
}

static int send_message(struct rig *rig, struct buffer *message, int wait_ms)
{
    const struct message_head head = {.kind = TAPLINE_EVENTS, .capture = 7, .attempt = 1};
    return link_send(rig->link, &head, message, wait_ms);
}

static int send_bytes(struct rig *rig, uint8_t value, size_t length)
{
    struct buffer message = begin(rig, value, length);
    return send_message(rig, &message, LONG_MS);
}

static void wait_for_one(struct rig *rig)
{
    zmq_pollitem_t item = {.socket = inbox_socket(rig->inbox), .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, LONG_MS), 1);
}

static void receive(struct rig *rig, struct message *message)
{
    wait_for_one(rig);
    assert_int_equal(inbox_receive(rig->inbox, message), 0);
}

static void expect(struct rig *rig, uint64_t sequence, uint8_t value, size_t length, bool lent)
{
    struct message message;
    receive(rig, &message);
    assert_int_equal(message.head.kind, TAPLINE_EVENTS);
    assert_int_equal(message.head.capture, 7);
    assert_int_equal(message.head.sequence, ((uint64_t)LINK << LINK_NUMBER_SHIFT) + sequence);
    struct slice body = unpack_bin(&message.body);
    assert_int_equal(message.body.error, 0);
    assert_int_equal(body.length, length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(body.bytes[i], value);
    assert_int_equal(message.loan.from != NULL, lent);
    message_release(&message);
}

static void a_lent_message_is_read_where_it_lies(void **state)
{
    struct rig *rig = *state;
    for (uint8_t round = 1; round < 100; round++) {
        assert_int_equal(send_bytes(rig, round, 80 * round), 0);
        expect(rig, round, round, 80 * round, true);
    }
}

static void what_outgrows_its_slot_goes_through_the_socket_in_its_place(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(send_bytes(rig, 1, 10), 0);
    assert_int_equal(send_bytes(rig, 2, 3 * SIZE), 0);
    assert_int_equal(send_bytes(rig, 3, 20), 0);
    expect(rig, 1, 1, 10, true);
    expect(rig, 2, 2, 3 * SIZE, false);
    expect(rig, 3, 3, 20, true);
}

static void more_than_the_high_water_mark_waits_until_some_came_back(void **state)
{
    struct rig *rig = *state;
    struct message held;
    struct buffer surplus = begin(rig, 2, 20);
    for (int i = 0; i < WAITING; i++)
        assert_int_equal(send_bytes(rig, 1, 10), 0);
    assert_int_equal(send_message(rig, &surplus, 0), ERR_AGAIN);
    assert_int_equal(link_flush(rig->link, SOON_MS), ERR_AGAIN);
    receive(rig, &held);
    assert_int_equal(link_flush(rig->link, SOON_MS), ERR_AGAIN); /* it is still being read */
    message_release(&held);
    assert_int_equal(link_flush(rig->link, LONG_MS), 0);
    expect(rig, 2, 1, 10, true);
    expect(rig, 3, 1, 10, true);
    expect(rig, 4, 2, 20, true);
}

static void where_no_slot_is_free_messages_go_through_the_socket(void **state)
{
    struct rig *rig = *state;
    struct buffer open[32];
    for (int i = 0; i < 32; i++)
        open[i] = begin(rig, (uint8_t)i, 50);
    assert_non_null(open[0].lender);
    assert_null(open[31].lender);
    assert_int_equal(send_message(rig, &open[31], LONG_MS), 0);
    expect(rig, 1, 31, 50, false);
    assert_int_equal(send_message(rig, &open[0], LONG_MS), 0);
    expect(rig, 2, 0, 50, true);
    for (int i = 1; i < 31; i++)
        buffer_free(&open[i]);
    assert_int_equal(send_bytes(rig, 9, 50), 0);
    expect(rig, 3, 9, 50, true);
}

static void a_batch_may_outlive_its_link(void **state)
{
    struct rig *rig = *state;
    struct buffer one = begin(rig, 1, 10), two = begin(rig, 2, 10);
    link_free(&rig->link, 0);
    pack_uint(&one, 5);
    buffer_free(&one);
    static const uint8_t more[2 * SIZE];
    buffer_append(&two, more, sizeof more);
    assert_null(two.lender);
    buffer_free(&two); /* a sanitizer would say what was kept */
}

static void what_is_with_the_other_side_counts_as_queued(void **state)
{
    struct rig *rig = *state;
    struct vitals *vitals = bus_vitals(rig->bus);
    struct message message;
    assert_int_equal(send_bytes(rig, 1, 1000), 0);
    receive(rig, &message);
    link_settle(rig->link);
    assert_true(vital_get(&vitals->queue_bytes) >= 1000);
    message_release(&message);
    link_settle(rig->link);
    assert_true(vital_get(&vitals->queue_bytes) < 1000); /* ZeroMQ may still have the note */
    link_settle(rig->link);
    assert_int_equal(send_bytes(rig, 2, 1000), 0); /* the memory was given back, and serves again */
    expect(rig, 2, 2, 1000, true);
}

static void what_came_before_its_sender_went_is_still_read(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(send_bytes(rig, 1, 1000), 0);
    expect(rig, 1, 1, 1000, true);
    assert_int_equal(send_bytes(rig, 2, 2000), 0);
    wait_for_one(rig);
    link_free(&rig->link, 0);
    expect(rig, 2, 2, 2000, true);
    inbox_sweep(rig->inbox); /* a sanitizer would say what was kept */
}

static void a_message_that_went_with_its_sender_is_passed_over(void **state)
{
    struct rig *rig = *state;
    struct message message;
    assert_int_equal(send_bytes(rig, 1, 1000), 0);
    wait_for_one(rig);
    link_free(&rig->link, 0);
    assert_int_equal(inbox_receive(rig->inbox, &message), ERR_AGAIN);
    assert_int_equal(vital_get(&bus_vitals(rig->bus)->messages_bad), 1);
}

/* ---- notes that nobody should believe ------------------------------------------------------- */

struct note {
    uint64_t process, descriptor, slot, start, length;
};

static int find(struct borrowing *borrowing, uint64_t sender, struct note note)
{
    const struct message_head head = {.sender = sender,
                                      .sequence = (uint64_t)LINK << LINK_NUMBER_SHIFT | 1};
    struct buffer body = {0};
    struct loan loan = {0};
    pack_array(&body, 5);
    pack_uint(&body, note.process);
    pack_uint(&body, note.descriptor);
    pack_uint(&body, note.slot);
    pack_uint(&body, note.start);
    pack_uint(&body, note.length);
    struct unpack from = unpack_over(body.bytes, body.length);
    int error = borrowing_find(borrowing, &head, &from, &loan);
    loan_return(&loan);
    buffer_free(&body);
    return error;
}

/* What a true note says. */
static struct note lend(struct lending *lending)
{
    struct buffer message = {0}, body = {0};
    lending_fill(lending, &message);
    buffer_append(&message, "some bytes", 10);
    lending_hand_over(lending, &message, 5, &body);
    struct unpack from = unpack_over(body.bytes, body.length);
    struct note note;
    unpack_array(&from);
    note.process = unpack_uint(&from);
    note.descriptor = unpack_uint(&from);
    note.slot = unpack_uint(&from);
    note.start = unpack_uint(&from);
    note.length = unpack_uint(&from);
    assert_int_equal(from.error, 0);
    buffer_free(&body);
    return note;
}

static void notes_are_checked(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    const struct lending_terms terms = {77, LINK, WAITING, SIZE, &vitals};
    struct lending *lending = lending_new(&terms);
    struct borrowing *borrowing = borrowing_new();
    struct note wrong, right = lend(lending);
    FILE *file = tmpfile();
    assert_int_equal(find(borrowing, 78, right), ERR_LOST); /* another sender's */
    wrong = right;
    wrong.descriptor = (uint64_t)fileno(file); /* no memory, and it could shrink */
    assert_int_equal(find(borrowing, 77, wrong), ERR_MALFORMED);
    wrong.descriptor = 1 << 20; /* nothing */
    assert_int_equal(find(borrowing, 77, wrong), ERR_LOST);
    assert_int_equal(find(borrowing, 77, right), 0);
    wrong = right;
    wrong.slot = 4000;
    assert_int_equal(find(borrowing, 77, wrong), ERR_MALFORMED);
    wrong = right;
    wrong.start = SIZE - 1;
    wrong.length = 2;
    assert_int_equal(find(borrowing, 77, wrong), ERR_MALFORMED);
    wrong.start = UINT64_MAX;
    assert_int_equal(find(borrowing, 77, wrong), ERR_MALFORMED);
    borrowing_free(&borrowing);
    lending_free(&lending, 0);
    fclose(file);
}

static void a_note_from_another_machine_is_not_followed(void **state)
{
    struct rig *rig = *state;
    int error;
    struct inbox *far = inbox_new(rig->bus, "tcp://127.0.0.1:*", "", WAITING, &error);
    struct link *link = link_new_data(rig->bus, inbox_endpoint(far), "", WAITING, LINK, &error);
    struct rig other = {.bus = rig->bus, .inbox = far, .link = link};
    struct message message;
    link_lend(link);
    assert_int_equal(send_bytes(&other, 1, 10), 0);
    wait_for_one(&other);
    assert_int_equal(inbox_receive(far, &message), ERR_AGAIN);
    link_free(&link, 0);
    inbox_free(&far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lent_message_is_read_where_it_lies, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_outgrows_its_slot_goes_through_the_socket_in_its_place,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(more_than_the_high_water_mark_waits_until_some_came_back,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(where_no_slot_is_free_messages_go_through_the_socket,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_batch_may_outlive_its_link, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_is_with_the_other_side_counts_as_queued,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_came_before_its_sender_went_is_still_read,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_message_that_went_with_its_sender_is_passed_over,
                                        open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_note_from_another_machine_is_not_followed,
                                        open_rig, close_rig),
        cmocka_unit_test(notes_are_checked),
    };
    return cmocka_run_group_tests_name("lending", tests, NULL, NULL);
}
