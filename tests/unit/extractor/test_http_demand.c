/* What is not wanted may come or not: the records are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/extractor/http_transcript.h"

enum { ROUNDS = 400, LINES = 40, SEGMENT = 1460 };

/* A generator of our own (xorshift), so that a failing round can be played again anywhere. */
static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % sides;
}

/* What the two sides may say. Bodies are long enough to be declined. */
static const struct http_line pieces[] = {
    {.side = RIG_CLIENT, .text = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {.side = RIG_CLIENT, .text = "GET /p HTTP/1.1\r\n\r\nHEAD /q HTTP/1.1\r\n\r\n"},
    {.side = RIG_CLIENT, .text = "PUT /u HTTP/1.1\r\nContent-Length: 60000\r\n\r\n", .more = 60000},
    {.side = RIG_CLIENT, .text = "GET /s HTTP/1.1\r\nUpgrade: chat\r\n\r\n"},
    {.side = RIG_CLIENT, .text = "CONNECT h:1 HTTP/1.1\r\n\r\n"},
    {.side = RIG_CLIENT, .text = "\x01\x02 nothing that is known", .more = 2000},
    {.side = RIG_CLIENT, .more = 700},
    {.side = RIG_SERVER, .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
    {.side = RIG_SERVER, .text = "HTTP/1.1 200 OK\r\nContent-Length: 80000\r\n\r\n", .more = 80000},
    {.side = RIG_SERVER, .text = "HTTP/1.1 200 OK\r\nContent-Length: 80000\r\n\r\n", .more = 40000},
    {.side = RIG_SERVER,
     .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc350\r\n",
     .more = 50000},
    {.side = RIG_SERVER, .text = "\r\n0\r\n\r\n"},
    {.side = RIG_SERVER, .text = "HTTP/1.1 204 No\r\n\r\n"},
    {.side = RIG_SERVER, .text = "HTTP/1.1 101 Up\r\nUpgrade: chat\r\n\r\n"},
    {.side = RIG_SERVER, .text = "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n"},
    {.side = RIG_SERVER, .text = "\x82\x7f\0\0\0\0\0\0\x9c\x40", .length = 10, .more = 40000},
    {.side = RIG_SERVER, .text = "\x81\x0c 1.2.3.4:567"},
    {.side = RIG_SERVER, .text = "HTTP/1.1 200 until the end\r\n\r\n", .more = 30000},
    {.side = RIG_SERVER, .more = 3000},
    {.side = RIG_SERVER, .more = 50000},
};
enum { PIECES = sizeof pieces / sizeof pieces[0] };

static void play_line(struct rig *rig, const struct http_line *line)
{
    if (!line->text) {
        rig_gap(rig, line->side, line->more);
        return;
    }
    size_t length;
    uint8_t *bytes = http_line_bytes(line, &length);
    for (size_t at = 0; at < length; at += SEGMENT)
        rig_data(rig, line->side, bytes + at, length - at < SEGMENT ? length - at : SEGMENT);
    free(bytes);
}

/* One conversation with a tracker that hears demand so many events late, or not at all. */
static struct rig *play(const uint8_t script[LINES], bool deaf, unsigned late)
{
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP | TAPLINE_HINT_WS_ADDRESSES);
    rig->deaf = deaf;
    rig->late = late;
    for (int i = 0; i < LINES; i++)
        play_line(rig, &pieces[script[i]]);
    rig_close(rig, script[0] & 1, script[1] & 1);
    assert_int_equal(rig->error, 0);
    return rig;
}

static void demand_changes_nothing(void **state)
{
    (void)state;
    uint64_t all = 0, wanted = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        seed = round * 2654435761u;
        uint8_t script[LINES];
        for (int i = 0; i < LINES; i++)
            script[i] = (uint8_t)dice(PIECES);
        struct rig *deaf = play(script, true, 0), *prompt = play(script, false, 0),
                   *late = play(script, false, 1 + dice(30));
        struct buffer results[3] = {{0}};
        rig_result(deaf, &results[0]);
        rig_result(prompt, &results[1]);
        rig_result(late, &results[2]);
        for (int i = 1; i < 3; i++)
            if (results[i].length != results[0].length ||
                memcmp(results[i].bytes, results[0].bytes, results[0].length) != 0)
                fail_msg("round %u: what was declined changed the records", round);
        all += deaf->delivered;
        wanted += prompt->delivered;
        for (int i = 0; i < 3; i++)
            buffer_free(&results[i]);
        rig_free(&deaf);
        rig_free(&prompt);
        rig_free(&late);
    }
    assert_true(wanted < all / 2);
}

/* Only the start of a large body, its last byte and what follows need come. */
static void a_large_body_is_declined(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    rig_say(rig, RIG_CLIENT, "GET /l HTTP/1.1\r\n\r\n");
    play_line(rig,
              &(struct http_line){.side = RIG_SERVER,
                                  .text = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n",
                                  .more = 10000000});
    assert_string_equal(rig_field(rig, 0, "complete"), "yes");
    assert_true(rig->delivered < 5120 + 2 * SEGMENT);
    assert_int_equal(rig->demands, 1);
    rig_free(&rig);
}

/* That the end of a body did come has to be seen, also where the body is declined. */
static void a_declined_body_that_breaks_off(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    rig_say(rig, RIG_CLIENT, "GET /l HTTP/1.1\r\n\r\n");
    play_line(rig,
              &(struct http_line){.side = RIG_SERVER,
                                  .text = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n",
                                  .more = 9999999});
    rig_close(rig, true, true);
    assert_string_equal(rig_field(rig, 0, "complete"), "no");
    assert_string_equal(rig_field(rig, 0, "res_need_length"), "0");
    rig_free(&rig);
}

static void switched_off(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.demand = 0;
    struct rig *rig = rig_new(&limits, TAPLINE_HINT_HTTP);
    rig_say(rig, RIG_CLIENT, "GET /l HTTP/1.1\r\n\r\n");
    play_line(rig, &pieces[8]);
    assert_string_equal(rig_field(rig, 0, "complete"), "yes");
    assert_int_equal(rig->demands, 0);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demand_changes_nothing),
        cmocka_unit_test(a_large_body_is_declined),
        cmocka_unit_test(a_declined_body_that_breaks_off),
        cmocka_unit_test(switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
