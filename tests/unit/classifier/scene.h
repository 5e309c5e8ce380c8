/*
 * A classifier with a tracker before it and an extractor and a sink behind it, all played by the
 * test: what the classifier hands on and says is written down as lines of text. A mark goes before
 * every event: nothing that comes out may be older than a mark that did.
 */
#ifndef TAPLINE_TEST_CLASSIFIER_SCENE_H
#define TAPLINE_TEST_CLASSIFIER_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/wire/capture.h"
#include "stages/classifier/classifier.h"
#include "stages/classifier/profile.h"

enum { SCENE_FLOW = 7, SCENE_FROM = 3, SCENE_LINE = 4096 };

struct scene {
    struct outlet outlet;
    struct capture capture;
    struct classifier *classifier;
    struct buffer profile;
    struct buffer behind;           /* text: what went to extractor and sink */
    struct buffer demands;          /* text: what the tracker was told */
    struct buffer sent[DIRECTIONS]; /* the bytes of the DATA events that were handed on */
    char notes[SCENE_LINE];         /* of the close, as msgpack-c prints them */
    struct trail trail;             /* the classifier's */
    uint16_t port;
    uint8_t transport;
    uint64_t offset[DIRECTIONS];
    uint64_t packet;
    int speaker;     /* who sent last; -1: nobody */
    int64_t kept_ns; /* what the latest mark said that came out */
};

static inline void scene_say(struct buffer *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void scene_say(struct buffer *to, const char *format, ...)
{
    char line[SCENE_LINE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buffer_append(to, line, (size_t)length);
}

static inline void scene_print_notes(struct scene *s, const struct event_close *close)
{
    msgpack_unpacked result;
    msgpack_unpacked_init(&result);
    size_t at = 0;
    s->notes[0] = '\0';
    while (msgpack_unpack_next(&result, (const char *)close->notes.bytes, close->notes.length,
                               &at) == MSGPACK_UNPACK_SUCCESS) {
        size_t used = strlen(s->notes);
        msgpack_object_print_buffer(s->notes + used, sizeof s->notes - used, result.data);
    }
    msgpack_unpacked_destroy(&result);
}

static inline int scene_event(void *context, enum tapline_role to, outlet_route *route,
                              const struct event *event)
{
    struct scene *s = context;
    char role = to == TAPLINE_EXTRACTOR ? 'x' : to == TAPLINE_SINK ? 's' : '?';
    *route = 1;
    switch (event->kind) {
    case TAPLINE_OPEN: scene_say(&s->behind, "%c open %u\n", role, event->open.hints); break;
    case TAPLINE_DATA:
        assert_true(event->data.time_ns >= s->kept_ns);
        scene_say(&s->behind, "%c data %d @%d +%u f%u t%d p%d\n", role, event->data.direction,
                  (int)event->data.offset, event->data.length, event->data.flags,
                  (int)event->data.time_ns, (int)event->data.packet);
        buffer_append(&s->sent[event->data.direction], event->data.bytes, event->data.length);
        break;
    case TAPLINE_GAP:
        scene_say(&s->behind, "%c gap %d @%d +%d\n", role, event->gap.direction,
                  (int)event->gap.offset, (int)event->gap.length);
        break;
    case TAPLINE_CLOSE:
        scene_say(&s->behind, "%c close\n", role);
        s->trail = event->close.trail[event->close.trail_count - 1];
        scene_print_notes(s, &event->close);
        break;
    }
    return 0;
}

static inline int scene_mark(void *context, const struct mark *mark)
{
    struct scene *s = context;
    assert_true(mark->kept_ns >= s->kept_ns);
    s->kept_ns = mark->kept_ns;
    return 0;
}

static inline void scene_demand(void *context, uint32_t from, const struct demand *demand)
{
    static const char *const wants[] = {"from", "turn", "nothing"};
    struct scene *s = context;
    assert_int_equal(from, SCENE_FROM);
    assert_int_equal(demand->flow, SCENE_FLOW);
    scene_say(&s->demands, "%d %s %d\n", demand->direction, wants[demand->want],
              (int)demand->offset);
}

static inline void scene_start(struct scene *s)
{
    int error = 0;
    s->outlet = (struct outlet){s, scene_event, scene_demand, NULL, scene_mark, NULL};
    s->capture.profile = (struct slice){s->profile.bytes, s->profile.length};
    s->classifier = classifier_new(&s->capture, &s->outlet, &error);
    assert_non_null(s->classifier);
}

/* A scene with the signatures of a platform file; NULL: none. */
static inline struct scene scene_new(const char *file)
{
    struct scene s = {.capture = {.limits = LIMITS_DEFAULT}, .port = 40000, .speaker = -1};
    char fault[PROFILE_FAULT];
    if (file && profile_merge(&file, 1, &s.profile, fault) != 0)
        fail_msg("%s", fault);
    return s;
}

static inline void scene_send(struct scene *s, const struct event *event)
{
    const struct mark mark = {.kept_ns = (int64_t)s->packet * 10};
    assert_int_equal(classifier_mark(s->classifier, SCENE_FROM, &mark), 0);
    assert_int_equal(classifier_event(s->classifier, SCENE_FROM, event), 0);
}

/* A new flow, 192.0.2.1 to 192.0.2.2. */
static inline void scene_open(struct scene *s, uint8_t transport)
{
    struct event event = {.kind = TAPLINE_OPEN, .flow = SCENE_FLOW};
    if (!s->classifier)
        scene_start(s);
    event.open = (struct event_open){.transport = transport, .port = {50000, s->port}};
    event.open.address[0] = address_from((const uint8_t[]){192, 0, 2, 1}, 4);
    event.open.address[1] = address_from((const uint8_t[]){192, 0, 2, 2}, 4);
    s->transport = transport;
    s->offset[0] = s->offset[1] = 0;
    s->speaker = -1;
    scene_send(s, &event);
}

/* The next segment or datagram of a direction. The bytes stand alone in their memory. */
static inline void scene_cut(struct scene *s, int direction, const void *bytes, size_t length,
                             uint32_t missing)
{
    struct event event = {.kind = TAPLINE_DATA, .flow = SCENE_FLOW};
    uint8_t *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    event.data = (struct event_data){.direction = (uint8_t)direction,
                                     .flags = s->speaker == direction ? 0 : TAPLINE_TURN,
                                     .offset = s->offset[direction],
                                     .packet = ++s->packet,
                                     .missing = missing,
                                     .bytes = copy,
                                     .length = (uint32_t)length};
    event.data.time_ns = (int64_t)s->packet * 10;
    s->speaker = direction;
    s->offset[direction] += s->transport == TRANSPORT_TCP ? length : 1;
    scene_send(s, &event);
    free(copy);
}

static inline void scene_data(struct scene *s, int direction, const void *bytes, size_t length)
{
    scene_cut(s, direction, bytes, length, 0);
}

static inline void scene_text(struct scene *s, int direction, const char *text)
{
    scene_data(s, direction, text, strlen(text));
}

/* A packet that makes no event: one without payload. */
static inline void scene_empty(struct scene *s)
{
    s->packet++;
}

static inline void scene_gap(struct scene *s, int direction, uint64_t length)
{
    struct event event = {.kind = TAPLINE_GAP, .flow = SCENE_FLOW};
    event.gap = (struct event_gap){(uint8_t)direction, s->offset[direction], length};
    s->offset[direction] += length;
    s->speaker = direction;
    scene_send(s, &event);
}

static inline void scene_close(struct scene *s)
{
    struct event event = {.kind = TAPLINE_CLOSE, .flow = SCENE_FLOW};
    event.close.trail[0] = (struct trail){.role = TAPLINE_TRACKER};
    event.close.trail_count = 1;
    event.close.figures.packets[0] = s->packet;
    scene_send(s, &event);
}

static inline void scene_want(struct scene *s, int direction, enum tapline_want want,
                              uint64_t offset)
{
    struct demand demand = {SCENE_FLOW, (uint8_t)direction, want, offset};
    classifier_demand(s->classifier, &demand);
}

/* What was written down since the last time is exactly this. */
static inline void scene_said(struct buffer *lines, const char *text)
{
    buffer_append(lines, "", 1);
    assert_string_equal((const char *)lines->bytes, text);
    buffer_clear(lines);
}

static inline void scene_behind(struct scene *s, const char *text)
{
    scene_said(&s->behind, text);
}

static inline void scene_told(struct scene *s, const char *text)
{
    scene_said(&s->demands, text);
}

static inline void scene_end(struct scene *s)
{
    classifier_free(&s->classifier);
    buffer_free(&s->profile);
    buffer_free(&s->behind);
    buffer_free(&s->demands);
    buffer_free(&s->sent[0]);
    buffer_free(&s->sent[1]);
}

#endif
