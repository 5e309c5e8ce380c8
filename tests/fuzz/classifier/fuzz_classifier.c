/*
 * Whole flows: the input says how segments, datagrams, gaps and the extractor's demand follow one
 * another. Two classifiers see the same flow, one behind a tracker that leaves out what it is
 * told to, one that is never to say anything: both must hand on and find the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/wire/pack.h"
#include "stages/classifier/classifier.h"

static const char document[] =
    "{\"signatures\":["
    "{\"name\":\"ws\",\"transport\":\"tcp\",\"port\":7,\"extracts\":\"websocket-addresses\"},"
    "{\"name\":\"t1\",\"transport\":\"tcp\",\"label\":\"t1\",\"priority\":1,\"match\":["
    "{\"where\":[{\"at\":0,\"text\":\"BT\"}],\"value\":{\"at\":4,\"length\":4,\"until\":\"00\"}}]},"
    "{\"name\":\"t2\",\"transport\":\"tcp\",\"label\":\"t2\",\"priority\":2,\"reports\":\"xunlei\","
    "\"match\":[{\"longer_than\":12,\"where\":[{\"at\":8,\"hex\":\"00\"}],\"value\":{\"at\":9,"
    "\"length\":3}},{\"longer_than\":5,\"where\":[{\"at\":2,\"hex\":\"00\"}],\"value\":{\"at\":3,"
    "\"length\":3}}]},"
    "{\"name\":\"u1\",\"transport\":\"udp\",\"label\":\"u1\",\"priority\":1,\"reports\":"
    "\"toutiao\","
    "\"match\":[{\"where\":[{\"from\":2,\"text\":\"to\"}],\"value\":{\"at\":2,\"until\":\"00\"}}]},"
    "{\"name\":\"u2\",\"transport\":\"udp\",\"label\":\"u2\",\"priority\":2,\"stun_attribute\":"
    "\"e002\"},"
    "{\"name\":\"u3\",\"transport\":\"udp\",\"label\":\"u3\",\"priority\":3,\"except\":\"stun\","
    "\"match\":[{\"where\":[{\"at\":1,\"hex\":\"00\"}],\"value\":{\"at\":2,\"length\":3}}]}]}";

/* What somebody wants of a direction: as a tracker keeps it, or an extractor. */
struct want {
    struct demand demand;
    bool turned;
    uint64_t turn;
};

struct side {
    struct outlet outlet;
    struct classifier *classifier;
    struct buffer behind; /* events handed on, as they travel */
    bool opened;
    struct want tracker[DIRECTIONS];
    struct want extractor[DIRECTIONS];
};

static void ask(struct want *want, const struct demand *demand)
{
    bool stale = demand->want == TAPLINE_WANT_TURN && want->turned && want->turn >= demand->offset;
    if (want->demand.want != TAPLINE_WANT_NOTHING && !stale)
        want->demand = *demand;
}

static uint8_t transport;

/* Is this DATA or GAP event wanted? */
static bool wanted(struct want wants[DIRECTIONS], const struct event *event)
{
    if (event->kind == TAPLINE_GAP) {
        const struct demand *demand = &wants[event->gap.direction].demand;
        return demand->want == TAPLINE_WANT_FROM &&
               event->gap.offset + event->gap.length > demand->offset;
    }
    const struct event_data *data = &event->data;
    struct want *want = &wants[data->direction];
    struct demand *demand = &want->demand;
    if (data->flags & TAPLINE_TURN) {
        want->turned = true;
        want->turn = data->offset;
        if (demand->want == TAPLINE_WANT_TURN && data->offset >= demand->offset)
            demand->want = TAPLINE_WANT_FROM;
    }
    uint64_t end = data->offset + (transport == TRANSPORT_TCP ? data->length : 1);
    return demand->want == TAPLINE_WANT_FROM && end > demand->offset;
}

static int on_event(void *context, enum tapline_role to, outlet_route *route,
                    const struct event *event)
{
    struct side *s = context;
    struct event sent = *event;
    *route = 1;
    if (event->kind == TAPLINE_OPEN)
        s->opened = true;
    else if (event->kind == TAPLINE_CLOSE)
        sent.close.trail_count = 0; /* what was received depends on demand */
    else if (!wanted(s->extractor, event))
        return 0;
    pack_uint(&s->behind, to);
    event_pack(&s->behind, &sent, NULL);
    return 0;
}

static void on_demand(void *context, uint32_t from, const struct demand *demand)
{
    struct side *s = context;
    (void)from;
    ask(&s->tracker[demand->direction], demand);
}

static void begin(struct side *s, uint64_t demand)
{
    struct capture capture = {.limits = LIMITS_DEFAULT};
    int error;
    capture.profile = (struct slice){(const uint8_t *)document, sizeof document - 1};
    capture.limits.demand = demand;
    capture.limits.probe_segments = 3;
    capture.limits.probe_datagrams = 3;
    capture.limits.start_line = 64;
    capture.limits.stun_values = 2;
    s->outlet = (struct outlet){s, on_event, on_demand, NULL, NULL, NULL};
    s->classifier = classifier_new(&capture, &s->outlet, &error);
    if (!s->classifier)
        abort();
}

static void give(struct side *s, const struct event *event)
{
    if (classifier_event(s->classifier, 0, event) != 0)
        abort();
}

/* What a tracker does with bytes or a gap. */
static void hand_off(struct side *s, const struct event *event)
{
    if (wanted(s->tracker, event))
        give(s, event);
}

struct script {
    struct cursor from;
    uint64_t offset[DIRECTIONS];
    uint64_t packet;
    int speaker;
};

static void play_data(struct script *script, struct side sides[2], int d)
{
    size_t length = cursor_u8(&script->from) & 0x3f;
    if (length > cursor_left(&script->from))
        length = cursor_left(&script->from);
    if (transport == TRANSPORT_TCP && length == 0)
        return;
    struct event event = {.kind = TAPLINE_DATA};
    event.data = (struct event_data){.direction = (uint8_t)d,
                                     .flags = script->speaker == d ? 0 : TAPLINE_TURN,
                                     .offset = script->offset[d],
                                     .packet = ++script->packet,
                                     .bytes = cursor_take(&script->from, length),
                                     .length = (uint32_t)length};
    script->speaker = d;
    script->offset[d] += transport == TRANSPORT_TCP ? length : 1;
    for (int i = 0; i < 2; i++)
        hand_off(&sides[i], &event);
}

static void play_gap(struct script *script, struct side sides[2], int d)
{
    struct event event = {.kind = TAPLINE_GAP};
    event.gap = (struct event_gap){(uint8_t)d, script->offset[d], 5};
    script->speaker = d;
    script->offset[d] += 5;
    for (int i = 0; i < 2; i++)
        hand_off(&sides[i], &event);
}

/* The extractor declines what is still to come; what it declined before stays so. */
static void play_demand(const struct script *script, struct side sides[2], int d, uint8_t what)
{
    struct demand demand = {0, (uint8_t)d, what % 3, script->offset[d] + what % 8};
    for (int i = 0; i < 2; i++) {
        const struct demand *before = &sides[i].extractor[d].demand;
        if (!sides[i].opened || demand.want < before->want || demand.offset < before->offset)
            continue;
        ask(&sides[i].extractor[d], &demand);
        classifier_demand(sides[i].classifier, &demand);
    }
}

static void play(struct script *script, struct side sides[2])
{
    while (cursor_left(&script->from) > 1) {
        uint8_t what = cursor_u8(&script->from);
        if (what % 8 == 7 && transport == TRANSPORT_TCP)
            play_gap(script, sides, what >> 3 & 1);
        else if (what % 8 == 6)
            play_demand(script, sides, what >> 3 & 1, what >> 4);
        else
            play_data(script, sides, what >> 3 & 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct side sides[2] = {0};
    struct script script = {.from = cursor_over(bytes, length), .speaker = -1};
    uint8_t first = cursor_u8(&script.from);
    transport = first & 1 ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct event event = {.kind = TAPLINE_OPEN};
    event.open.transport = transport;
    event.open.port[1] = first & 2 ? 7 : first & 4 ? 53 : 1000;
    for (int side = 0; side < DIRECTIONS; side++)
        event.open.address[side] = address_from((const uint8_t[]){192, 0, 2, (uint8_t)side}, 4);
    for (int i = 0; i < 2; i++) {
        begin(&sides[i], (uint64_t)i);
        give(&sides[i], &event);
    }
    play(&script, sides);
    event = (struct event){.kind = TAPLINE_CLOSE};
    event.close.figures.transport = transport;
    for (int i = 0; i < 2; i++)
        give(&sides[i], &event);
    if (sides[0].behind.length != sides[1].behind.length ||
        memcmp(sides[0].behind.bytes, sides[1].behind.bytes, sides[0].behind.length) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        classifier_free(&sides[i].classifier);
        buffer_free(&sides[i].behind);
    }
    return 0;
}
