/* Lost is lost: who was struck out and comes again is another peer, whoever noticed the absence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/bus/peers.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

#define SECOND INT64_C(1000000000)

enum { WORKER_ID = 1, LOBBY_ID = 2 };

struct rig {
    struct bus *bus;
    struct peers *peers;
};

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int error;
    rig->bus = bus_new(&error);
    rig->peers = peers_new(rig->bus, 2);
    *state = rig;
    return error;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    peers_free(&rig->peers, 0);
    bus_free(&rig->bus);
    free(rig);
    return 0;
}

/* A roster of this process and of a worker, with the admissions that the lobby counted for them; 0:
 * the worker is not there. The worker's slot, or 0. */
static uint32_t hear(struct rig *rig, uint64_t lobby, uint64_t self, uint64_t worker)
{
    const struct message_head head = {.sender = lobby};
    const struct presence rows[] = {
        {.role = TAPLINE_TRACKER, .sender = bus_sender(rig->bus), .admission = self},
        {.role = TAPLINE_CLASSIFIER, .sender = WORKER_ID, .data = "ipc:///nowhere/data",
         .admission = worker}};
    struct buffer roster = {0};
    pack_array(&roster, worker ? 2 : 1);
    presence_pack(&roster, &rows[0]);
    if (worker)
        presence_pack(&roster, &rows[1]);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(rig->peers, &head, &from, SECOND), 0);
    buffer_free(&roster);
    return peers_find(rig->peers, WORKER_ID);
}

/* Sends a message; its sequence number. */
static uint64_t send_something(struct rig *rig, uint32_t worker)
{
    const struct message_head head = {.kind = TAPLINE_EVENTS};
    struct link *link = peers_data(rig->peers, worker);
    struct buffer message = {0};
    message_open(&message);
    pack_array(&message, 0);
    link_send(link, &head, &message, 0);
    buffer_free(&message);
    return link_sequence(link);
}

static void who_comes_back_has_another_number(void **state)
{
    struct rig *rig = *state;
    uint32_t before = hear(rig, LOBBY_ID, 1, 2);
    send_something(rig, before);
    hear(rig, LOBBY_ID, 1, 0);
    assert_false(peers_live(rig->peers, before));
    uint32_t after = hear(rig, LOBBY_ID, 1, 3);
    assert_int_not_equal(after, before);
    assert_true(peers_live(rig->peers, after));
    assert_false(peers_live(rig->peers, before));
    assert_null(peers_data(rig->peers, before));
    assert_null(peers_control(rig->peers, before));
}

static void an_absence_that_was_missed_is_told_by_the_admission(void **state)
{
    struct rig *rig = *state;
    uint32_t before = hear(rig, LOBBY_ID, 1, 2);
    assert_int_equal(hear(rig, LOBBY_ID, 1, 2), before);
    assert_int_not_equal(hear(rig, LOBBY_ID, 1, 3), before);
    assert_false(peers_live(rig->peers, before));
    assert_int_equal(peers_own_absences(rig->peers), 0);
}

static void each_lobby_counts_for_itself(void **state)
{
    struct rig *rig = *state;
    uint32_t worker = hear(rig, LOBBY_ID, 1, 2);
    hear(rig, LOBBY_ID + 1, 7, 0); /* it hears of all but slowly */
    assert_int_equal(hear(rig, LOBBY_ID + 1, 7, 8), worker);
    assert_true(peers_live(rig->peers, worker));
    assert_int_not_equal(hear(rig, LOBBY_ID + 1, 7, 9), worker);
}

static void who_was_struck_out_itself_begins_anew(void **state)
{
    struct rig *rig = *state;
    uint32_t before = hear(rig, LOBBY_ID, 1, 2);
    uint64_t sent = send_something(rig, before);
    uint32_t after = hear(rig, LOBBY_ID, 3, 2);
    assert_false(peers_live(rig->peers, before));
    assert_true(peers_live(rig->peers, after));
    assert_int_equal(peers_own_absences(rig->peers), 1);
    assert_true(send_something(rig, after) > sent + 1);
}

static void a_roster_from_before_an_own_absence_is_late(void **state)
{
    struct rig *rig = *state;
    hear(rig, LOBBY_ID, 1, 2);
    uint32_t worker = hear(rig, LOBBY_ID, 3, 2);
    hear(rig, LOBBY_ID, 1, 2); /* it was on its way all the time */
    assert_int_equal(hear(rig, LOBBY_ID, 3, 2), worker);
    assert_true(peers_live(rig->peers, worker));
    assert_int_equal(peers_own_absences(rig->peers), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_back_has_another_number),
        TEST(an_absence_that_was_missed_is_told_by_the_admission),
        TEST(each_lobby_counts_for_itself),
        TEST(who_was_struck_out_itself_begins_anew),
        TEST(a_roster_from_before_an_own_absence_is_late),
    };
    return cmocka_run_group_tests_name("absences", tests, NULL, NULL);
}
