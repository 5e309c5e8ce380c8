/* The lobby's table: who comes, who goes, what everybody is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/peers.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"
#include "stages/lobby/lobby.h"

#define SECOND INT64_C(1000000000)
#define PATIENCE (5 * SECOND)

static int announce_as(struct lobby *lobby, uint64_t sender, uint64_t epoch,
                       const struct presence *presence, int64_t now)
{
    struct buffer body = {0};
    struct message_head head = {.kind = TAPLINE_ANNOUNCE, .sender = sender, .epoch = epoch};
    struct buffer figures = {0};
    pack_map(&figures, 1);
    pack_str(&figures, "sessions");
    pack_uint(&figures, 3);
    presence_pack_announcement(&body, presence, &figures);
    buffer_free(&figures);
    struct unpack from = unpack_over(body.bytes, body.length);
    int rc = lobby_announced(lobby, &head, &from, now);
    buffer_free(&body);
    return rc;
}

static int announce(struct lobby *lobby, uint64_t sender, enum tapline_role role, const char *name,
                    int64_t now)
{
    struct presence presence = {.role = role, .data = "ipc:///nowhere/data",
                                .control = "ipc:///nowhere/control"};
    strcpy(presence.name, name);
    return announce_as(lobby, sender, 1, &presence, now);
}

/* What a worker makes of the lobby's roster. */
static void tell(struct lobby *lobby, struct peers *peers)
{
    struct buffer roster = {0};
    lobby_roster(lobby, &roster);
    const struct message_head head = {.sender = 1};
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(peers, &head, &from, 0), 0);
    assert_ptr_equal(from.at, from.end);
    buffer_free(&roster);
}

static void who_announces_is_on_the_roster(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct peers *peers = peers_new(NULL, 1);
    assert_int_equal(announce(lobby, 10, TAPLINE_CLASSIFIER, "classifier-1", 0), 1);
    assert_int_equal(announce(lobby, 11, TAPLINE_CLASSIFIER, "classifier-2", 0), 1);
    assert_int_equal(announce(lobby, 10, TAPLINE_CLASSIFIER, "classifier-1", SECOND), 0);
    tell(lobby, peers);
    assert_int_equal(peers_count(peers, TAPLINE_CLASSIFIER), 2);
    assert_int_equal(peers_count(peers, TAPLINE_SINK), 0);
    assert_string_equal(peers_name(peers, peers_find(peers, 11)), "classifier-2");
    uint32_t first = peers_choose(peers, TAPLINE_CLASSIFIER);
    uint32_t second = peers_choose(peers, TAPLINE_CLASSIFIER);
    assert_int_not_equal(first, second);
    assert_int_equal(peers_choose(peers, TAPLINE_CLASSIFIER), first);
    assert_int_equal(peers_choose(peers, TAPLINE_SINK), 0);
    peers_free(&peers, 0);
    lobby_free(&lobby);
}

static void who_is_silent_for_longer_than_its_patience_is_lost(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct peers *peers = peers_new(NULL, 1);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", 0);
    announce(lobby, 11, TAPLINE_SINK, "sink-1", 0);
    announce(lobby, 11, TAPLINE_SINK, "sink-1", 4 * SECOND);
    tell(lobby, peers);
    for (int64_t second = 1; second <= 5; second++)
        assert_int_equal(lobby_expire(lobby, second * SECOND), 0);
    assert_int_equal(lobby_expire(lobby, 5 * SECOND + 1), 1);
    tell(lobby, peers);
    assert_false(peers_live(peers, peers_find(peers, 10)));
    assert_true(peers_live(peers, peers_find(peers, 11)));
    assert_string_equal(peers_name(peers, peers_find(peers, 10)), "tracker-1");
    peers_free(&peers, 0);
    lobby_free(&lobby);
}

static void a_patient_lobby_waits_longer(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(60 * SECOND);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", 0);
    for (int64_t second = 1; second <= 60; second++)
        assert_int_equal(lobby_expire(lobby, second * SECOND), 0);
    assert_int_equal(lobby_expire(lobby, 61 * SECOND), 1);
    lobby_free(&lobby);
}

static void a_lobby_that_slept_strikes_nobody_out(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", SECOND);
    assert_int_equal(lobby_expire(lobby, 2 * SECOND), 0);
    assert_int_equal(lobby_expire(lobby, 60 * SECOND), 0);
    for (int64_t second = 61; second < 64; second++)
        assert_int_equal(lobby_expire(lobby, second * SECOND), 0);
    assert_int_equal(lobby_expire(lobby, 65 * SECOND), 1);
    lobby_free(&lobby);
}

/* The admission that the roster tells of its only worker. */
static uint64_t admission(const struct lobby *lobby)
{
    struct buffer roster = {0};
    struct presence presence;
    lobby_roster(lobby, &roster);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(unpack_array(&from), 1);
    assert_int_equal(presence_unpack(&from, &presence), 0);
    buffer_free(&roster);
    return presence.admission;
}

static void who_comes_again_has_another_admission(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", SECOND);
    uint64_t first = admission(lobby);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", 2 * SECOND);
    assert_int_equal(admission(lobby), first);
    assert_int_equal(lobby_expire(lobby, 8 * SECOND), 1);
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", 9 * SECOND);
    assert_int_not_equal(admission(lobby), first);
    lobby_free(&lobby);
}

static void the_later_of_two_with_one_name_is_listed(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct peers *peers = peers_new(NULL, 1);
    const struct presence sink = {.role = TAPLINE_SINK, .name = "sink-1"};
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 1);
    assert_int_equal(announce_as(lobby, 11, 200, &sink, 0), 1);
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 0); /* it woke up too late */
    tell(lobby, peers);
    assert_int_equal(peers_count(peers, TAPLINE_SINK), 1);
    assert_true(peers_live(peers, peers_find(peers, 11)));
    peers_free(&peers, 0);
    lobby_free(&lobby);
}

static void who_says_it_is_gone_is_gone_at_once(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct presence sink = {.role = TAPLINE_SINK, .name = "sink-1"};
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 1);
    sink.state = TAPLINE_LEAVING;
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 1);
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 0);
    sink.state = TAPLINE_GONE;
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 1);
    assert_int_equal(announce_as(lobby, 10, 100, &sink, 0), 0);
    assert_int_equal(lobby_expire(lobby, 60 * SECOND), 0); /* nobody was left */
    lobby_free(&lobby);
}

static void status_tells_rows_silence_and_figures(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct buffer body = {0};
    struct presence presence;
    announce(lobby, 10, TAPLINE_TRACKER, "tracker-1", SECOND);
    lobby_status(lobby, 3 * SECOND, &body);
    struct unpack from = unpack_over(body.bytes, body.length);
    assert_int_equal(unpack_array(&from), 1);
    assert_int_equal(unpack_array(&from), 3);
    assert_int_equal(presence_unpack(&from, &presence), 0);
    assert_string_equal(presence.name, "tracker-1");
    assert_int_equal(unpack_int(&from), 2 * SECOND);
    assert_int_equal(unpack_map(&from), 1);
    buffer_free(&body);
    lobby_free(&lobby);
}

static void a_bad_announcement_changes_nothing(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct message_head head = {.kind = TAPLINE_ANNOUNCE, .sender = 1};
    static const uint8_t bad[] = {0x94, 3, 0xa1, 'x', 7, 0xa1, 'y'};
    struct unpack from = unpack_over(bad, sizeof bad);
    assert_int_equal(lobby_announced(lobby, &head, &from, 0), ERR_MALFORMED);
    struct buffer roster = {0};
    lobby_roster(lobby, &roster);
    assert_int_equal(roster.length, 1);
    buffer_free(&roster);
    lobby_free(&lobby);
}

static void a_missing_message_is_seen(void **state)
{
    (void)state;
    struct lobby *lobby = lobby_new(PATIENCE);
    struct peers *peers = peers_new(NULL, 1);
    struct message_head head = {.kind = TAPLINE_EVENTS, .sender = 5, .sequence = 1};
    announce(lobby, 5, TAPLINE_TRACKER, "tracker-1", 0);
    tell(lobby, peers);
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_NEXT);
    head.sequence = 2;
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_NEXT);
    head.sequence = 4;
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_GAP);
    const uint64_t another = UINT64_C(7) << LINK_NUMBER_SHIFT;
    head.sequence = another + 1;
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_NEXT);
    head.sequence = 5; /* of the link before it */
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_LATE);
    head.sequence = another + 2;
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_NEXT);
    head.sequence = 2 * another + 2; /* the first of that link never came */
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_GAP);
    head.sender = 6;
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_UNKNOWN); /* its first never came */
    peers_free(&peers, 0);
    lobby_free(&lobby);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_announces_is_on_the_roster),
        cmocka_unit_test(who_is_silent_for_longer_than_its_patience_is_lost),
        cmocka_unit_test(a_patient_lobby_waits_longer),
        cmocka_unit_test(a_lobby_that_slept_strikes_nobody_out),
        cmocka_unit_test(who_comes_again_has_another_admission),
        cmocka_unit_test(the_later_of_two_with_one_name_is_listed),
        cmocka_unit_test(who_says_it_is_gone_is_gone_at_once),
        cmocka_unit_test(status_tells_rows_silence_and_figures),
        cmocka_unit_test(a_bad_announcement_changes_nothing),
        cmocka_unit_test(a_missing_message_is_seen),
    };
    return cmocka_run_group_tests_name("lobby", tests, NULL, NULL);
}
