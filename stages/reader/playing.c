#include "stages/reader/playing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/decode.h"
#include "common/net/link.h"
#include "common/wire/pack.h"
#include "stages/reader/capture_clock.h"
#include "stages/reader/source_link.h"

/* So many link types that nobody reads are told by name. */
enum { STRANGE_LINKS = 8 };

struct playing {
    struct stage *stage;
    struct session *session;
    struct remarks *remarks;
    struct capture_clock clock;
    uint64_t capture;
    uint64_t attempt;
    uint32_t sink; /* peers */
    uint32_t trackers[PLAYING_WORKERS_MAX];
    uint64_t sent[PLAYING_WORKERS_MAX]; /* frames, by tracker */
    uint32_t tracker_count;
    uint64_t frames;
    uint64_t bytes;
    uint32_t link; /* of the last frame; at first LINK_NULL, which is read */
    uint32_t strange[STRANGE_LINKS]; /* those that were told */
    uint32_t strange_count;
};

/* The sink of a capture: each attempt takes the next of them. (The lowest bit of an id is set.) */
static uint64_t choose_sink(struct playing *playing, const struct capture *capture)
{
    struct peers *peers = stage_peers(playing->stage);
    uint64_t sinks[PLAYING_WORKERS_MAX];
    uint32_t count = peers_senders(peers, TAPLINE_SINK, sinks, PLAYING_WORKERS_MAX);
    uint64_t sink = sinks[((capture->id >> 1) + capture->attempt) % count];
    playing->sink = peers_find(peers, sink);
    return sink;
}

static void choose_trackers(struct playing *playing, struct buffer *to)
{
    struct peers *peers = stage_peers(playing->stage);
    uint64_t senders[PLAYING_WORKERS_MAX];
    uint32_t count = peers_senders(peers, TAPLINE_TRACKER, senders, PLAYING_WORKERS_MAX);
    pack_array(to, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_uint(to, senders[i]);
        playing->trackers[i] = peers_find(peers, senders[i]);
    }
    playing->tracker_count = count;
}

/* Opens the attempt for the capture, with what its document lacks. */
static int open_session(struct playing *playing, struct capture *capture, void *core,
                        const struct stock *stock)
{
    struct buffer trackers = {0}, original = {0};
    int error = -ENOMEM;
    choose_trackers(playing, &trackers);
    stock_offer(stock, bus_realm(stage_bus(playing->stage)), &original);
    capture->sink = choose_sink(playing, capture);
    capture->trackers = (struct slice){trackers.bytes, trackers.length};
    capture->original = (struct slice){original.bytes, original.length};
    if (!trackers.failed && !original.failed)
        playing->session = stage_attempt(playing->stage, capture, core, &error);
    buffer_free(&trackers);
    buffer_free(&original);
    capture->trackers = capture->original = (struct slice){0};
    if (playing->session && stock)
        session_share(playing->session, stock);
    return error;
}

struct playing *playing_begin(struct stage *stage, struct capture *capture, void *core,
                              const struct stock *stock, struct remarks *remarks, int *error)
{
    struct playing *playing = calloc(1, sizeof *playing);
    *error = -ENOMEM;
    if (!playing)
        return NULL;
    playing->stage = stage;
    playing->remarks = remarks;
    playing->capture = capture->id;
    playing->attempt = capture->attempt;
    *error = open_session(playing, capture, core, stock);
    if (!*error)
        *error = session_begin(playing->session, playing->sink);
    if (*error)
        playing_end(&playing);
    return playing;
}

int playing_set_opens(struct playing *playing)
{
    return session_set_opens(playing->session);
}

/* Which tracker takes a frame: both directions of a flow, and its fragments, go the same way. */
static uint32_t route(const struct playing *playing, const struct frame *frame)
{
    if (playing->tracker_count == 1)
        return 0;
    struct packet packet;
    packet_decode(&packet, frame->link, frame->bytes, frame->length, frame->wire_length);
    return address_pair_hash(&packet) % playing->tracker_count;
}

static bool was_said(const struct playing *playing, uint32_t link)
{
    for (uint32_t i = 0; i < playing->strange_count; i++)
        if (playing->strange[i] == link)
            return true;
    return playing->strange_count == STRANGE_LINKS;
}

/* Said once of each: such frames give totals, and nobody would know why they give nothing else. */
static void look_at_link(struct playing *playing, uint32_t link)
{
    if (link == playing->link)
        return;
    playing->link = link;
    if (link_known(link) || was_said(playing, link))
        return;
    playing->strange[playing->strange_count++] = link;
    remark(playing->remarks, LOG_WARNING,
           "frames of link type %u (%s) are counted, but not read: Ethernet, Linux cooked, raw IP "
           "and BSD loopback are",
           link, source_link_name(link));
}

int playing_frame(struct playing *playing, const struct frame *frame)
{
    look_at_link(playing, frame->link);
    uint32_t tracker = route(playing, frame);
    int error = session_frame(playing->session, playing->trackers[tracker], frame);
    playing->sent[tracker]++;
    playing->frames++;
    playing->bytes += frame->length;
    if (!capture_clock_frame(&playing->clock, frame->time_ns))
        return error;
    for (uint32_t i = 0; i < playing->tracker_count && !error; i++)
        error = session_clock(playing->session, playing->trackers[i], playing->clock.time_ns);
    return error;
}

uint8_t *playing_take_piece(struct playing *playing, struct stock *stock, int *error)
{
    return session_take_piece(playing->session, stock, error);
}

static void pack_tally(const struct playing *playing, const struct reading *reading,
                       struct buffer *to)
{
    pack_map(to, 6);
    pack_str(to, "role");
    pack_uint(to, TAPLINE_READER);
    pack_str(to, "frames");
    pack_uint(to, reading->frames);
    pack_str(to, "filtered_out");
    pack_uint(to, reading->filtered_out);
    pack_str(to, "trackers");
    pack_array(to, playing->tracker_count);
    for (uint32_t i = 0; i < playing->tracker_count; i++)
        pack_uint(to, playing->sent[i]);
    pack_str(to, "cut");
    if (reading->cut)
        pack_text(to, reading->cut, strlen(reading->cut));
    else
        pack_nil(to);
    pack_str(to, "counters");
    pack_map(to, 2);
    pack_str(to, "sources_cut");
    pack_uint(to, reading->cuts);
    pack_str(to, "filter_misfits");
    pack_uint(to, reading->misfits);
}

int playing_finish(struct playing *playing, const struct reading *reading)
{
    int error = 0;
    for (uint32_t i = 0; i < playing->tracker_count && !error; i++) {
        struct buffer message = {0};
        message_open(&message);
        pack_array(&message, 1);
        pack_uint(&message, playing->sent[i]);
        error = session_send(playing->session, playing->trackers[i], TAPLINE_END, &message);
        buffer_free(&message);
    }
    struct buffer map = {0};
    pack_tally(playing, reading, &map);
    if (!error)
        error = outlet_tally(session_outlet(playing->session), &map);
    buffer_free(&map);
    return error;
}

uint64_t playing_frames(const struct playing *playing)
{
    return playing->frames;
}

uint64_t playing_bytes(const struct playing *playing)
{
    return playing->bytes;
}

bool playing_word(struct playing *playing, bool yes)
{
    struct buffer message = {0};
    message_open(&message);
    pack_array(&message, 1);
    pack_bool(&message, yes);
    bool sent = session_control(playing->session, playing->sink, TAPLINE_WORD, &message);
    buffer_free(&message);
    return sent;
}

const char *playing_fault(struct playing *playing)
{
    return session_check(playing->session) ? session_fault(playing->session) : "";
}

/* Who was struck out is not told, but learns it by the next attempt, or by this process's end. */
void playing_released(struct playing *playing)
{
    struct peers *peers = stage_peers(playing->stage);
    for (uint32_t peer = 1; peer <= peers_slots(peers); peer++) {
        enum tapline_role role = peers_role(peers, peer);
        if (role < TAPLINE_TRACKER || role > TAPLINE_SINK)
            continue;
        struct buffer message = {0};
        message_open(&message);
        pack_array(&message, 0);
        session_control(playing->session, peer, TAPLINE_RELEASE, &message);
        buffer_free(&message);
    }
    playing->session = NULL;
}

void playing_end(struct playing **playing)
{
    if (!*playing)
        return;
    if ((*playing)->session)
        stage_release((*playing)->stage, (*playing)->capture, (*playing)->attempt);
    free(*playing);
    *playing = NULL;
}
