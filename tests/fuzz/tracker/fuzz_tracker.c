/*
 * The tracker under arbitrary frames of arbitrary link types, and under TCP conversations in every
 * disorder, with demand and without. The first byte chooses.
 */
#include "tests/unit/tracker/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const uint32_t LINKS[] = {LINK_ETHERNET,  LINK_RAW,         LINK_NULL,        LINK_LOOP,
                                 LINK_COOKED,    LINK_COOKED_V2,   LINK_RAW_IPV4,    LINK_RAW_IPV6,
                                 LINK_RAW_BSD,   LINK_RAW_OPENBSD, 147 /* unknown */};

static int ignore_event(void *context, enum tapline_role to, outlet_route *route,
                        const struct event *event)
{
    uint64_t *sum = context;
    (void)to;
    *route = 1;
    if (event->kind == TAPLINE_DATA)
        for (uint32_t i = 0; i < event->data.length; i++)
            *sum += event->data.bytes[i];
    return 0;
}

static int ignore_tally(void *context, const struct buffer *map)
{
    uint64_t *sum = context;
    *sum += map->length;
    return 0;
}

static int ignore_mark(void *context, const struct mark *mark)
{
    uint64_t *sum = context;
    *sum += mark->closed;
    return 0;
}

/* Each frame: its length, how much of it was cut, the time that passes. */
static void play_frames(uint32_t link, const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0, number = 0;
    int error = 0;
    struct outlet outlet = {.context = &sum,
                            .event = ignore_event,
                            .tally = ignore_tally,
                            .mark = ignore_mark};
    struct capture capture = {.id = 1, .limits = LIMITS_DEFAULT};
    struct tracker *tracker = tracker_new(&capture, &outlet, &error);
    struct frame frame = {.link = link};
    while (length >= 3) {
        uint32_t room = (uint32_t)length - 3;
        frame.number = ++number;
        frame.length = bytes[0] < room ? bytes[0] : room;
        frame.wire_length = frame.length + bytes[1];
        frame.time_ns += bytes[2] * SECOND;
        frame.bytes = bytes + 3;
        LISTENER_PROMISE(tracker_frames(tracker, &frame, 1) == 0);
        LISTENER_PROMISE(tracker_clock(tracker, frame.time_ns) == 0);
        bytes += 3 + frame.length;
        length -= 3 + frame.length;
    }
    LISTENER_PROMISE(tracker_finish(tracker, number) == 0);
    tracker_free(&tracker);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1)
        return 0;
    uint8_t choice = bytes[0] & 15;
    if (choice < sizeof LINKS / sizeof LINKS[0])
        play_frames(LINKS[choice], bytes + 1, length - 1);
    else
        script_compare(bytes + 1, length - 1);
    return 0;
}
