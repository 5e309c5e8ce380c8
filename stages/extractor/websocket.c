#include "stages/extractor/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/wire/pack.h"
#include "stages/extractor/websocket_addresses.h"

enum {
    /* A frame's head (RFC 6455, section 5.2). */
    HEAD_LEAST = 2,
    HEAD_MOST = 14,
    FIN = 0x80,
    COMPRESSED = 0x70, /* any of the bits that extensions define, as RFC 7692 does */
    OPCODE = 0x0f,
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
    MASK = 4,

    CONTINUATION = 0,
    TEXT = 1,
    BINARY = 2,

    /* Unmasked at a time. */
    PIECE = 512,
};

/* One direction's frames. */
struct side {
    uint8_t head[HEAD_MOST];
    size_t head_length; /* of what has come of the frame's head */
    uint64_t left;      /* bytes of the payload that are still to come */
    bool in_payload;
    bool text;         /* the payload is text that can be read */
    bool message_text; /* the message that continuation frames go on with is */
    bool torn;         /* bytes of the payload were lost */
    uint8_t mask[MASK];
    unsigned phase;  /* which of them comes next */
    int64_t time_ns; /* where the frame began */
    uint64_t packet;
    uint64_t at; /* the stream's next byte */
    bool begun;
    struct websocket_addresses addresses;
};

struct websocket {
    struct conversation *conversation;
    struct side side[DIRECTIONS];
};

static void *websocket_open(struct conversation *conversation)
{
    struct websocket *w = calloc(1, sizeof *w);
    if (w)
        w->conversation = conversation;
    return w;
}

static void websocket_free(void **state)
{
    struct websocket *w = *state;
    if (!w)
        return;
    for (int side = 0; side < DIRECTIONS; side++)
        buffer_free(&w->side[side].addresses.found);
    free(w);
    *state = NULL;
}

/* ---- records -------------------------------------------------------------------------------- */

/* Two addresses are a pair, joined to one key, if they are all that the frame has. */
static void pack_keys(const struct side *s, struct buffer *map)
{
    bool pair = s->addresses.count == 2 && !s->torn;
    const char *at = (const char *)s->addresses.found.bytes;
    pack_map(map, 1);
    pack_str(map, "keys");
    if (pair) {
        char key[2 * (WEBSOCKET_ADDRESS_TEXT + 1)];
        size_t first = strlen(at);
        memcpy(key, at, first);
        key[first] = '-';
        strcpy(key + first + 1, at + first + 1);
        pack_array(map, 1);
        pack_str(map, key);
        return;
    }
    pack_array(map, s->addresses.count);
    for (uint32_t i = 0; i < s->addresses.count; i++, at += strlen(at) + 1)
        pack_str(map, at);
}

static int end_frame(struct websocket *w, struct side *s)
{
    int error = websocket_addresses_end(&s->addresses);
    if (!error && s->addresses.count) {
        struct buffer *map = conversation_room(w->conversation, ROOM_RECORD);
        pack_keys(s, map);
        error =
            conversation_record(w->conversation, TAPLINE_RECORD_XYCDN, s->time_ns, s->packet, map);
    }
    conversation_cost(w->conversation, COST_ADDRESSES, s->addresses.dropped);
    websocket_addresses_clear(&s->addresses);
    s->in_payload = s->torn = false;
    return error;
}

/* ---- frames --------------------------------------------------------------------------------- */

/* How long the head is, going by what has come of it. */
static size_t head_needs(const struct side *s)
{
    if (s->head_length < HEAD_LEAST)
        return HEAD_LEAST;
    uint8_t length = s->head[1] & LENGTH;
    return HEAD_LEAST +
           (length == LENGTH_16   ? 2
            : length == LENGTH_64 ? 8
                                  : 0) +
           (s->head[1] & MASKED ? MASK : 0);
}

static void begin_payload(struct side *s)
{
    struct cursor c = cursor_over(s->head, s->head_length);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c), opcode = first & OPCODE;
    s->left = second & LENGTH;
    if (s->left == LENGTH_16)
        s->left = cursor_u16(&c);
    else if (s->left == LENGTH_64)
        s->left = cursor_u64(&c);
    memset(s->mask, 0, MASK);
    if (second & MASKED)
        memcpy(s->mask, cursor_take(&c, MASK), MASK);
    if (opcode == TEXT || opcode == BINARY)
        s->message_text = opcode == TEXT && !(first & COMPRESSED);
    s->text = s->message_text && (opcode == TEXT || opcode == CONTINUATION);
    s->phase = 0;
    s->head_length = 0;
    s->in_payload = true;
}

static size_t read_head(struct side *s, const struct event_data *data, size_t used)
{
    if (s->head_length == 0) {
        s->time_ns = data->time_ns;
        s->packet = data->packet;
    }
    size_t from = used;
    while (used < data->length && s->head_length < head_needs(s))
        s->head[s->head_length++] = data->bytes[used++];
    if (s->head_length >= HEAD_LEAST && s->head_length == head_needs(s))
        begin_payload(s);
    return used - from;
}

/* Takes the mask off (RFC 6455, section 5.3), which repeats within every word as well. */
static void unmask(struct side *s, uint8_t *to, const uint8_t *bytes, size_t length)
{
    enum { WORD = sizeof(uint64_t) };
    uint8_t masks[WORD];
    uint64_t mask, word;
    size_t at = 0;
    for (size_t i = 0; i < WORD; i++)
        masks[i] = s->mask[(s->phase + i) % MASK];
    memcpy(&mask, masks, WORD);
    for (; at + WORD <= length; at += WORD) {
        memcpy(&word, bytes + at, WORD);
        word ^= mask;
        memcpy(to + at, &word, WORD);
    }
    for (; at < length; at++)
        to[at] = bytes[at] ^ masks[at % WORD];
    s->phase = (s->phase + (unsigned)length) % MASK;
}

static int read_text(struct side *s, const uint8_t *bytes, size_t length)
{
    uint8_t piece[PIECE];
    int error = 0;
    while (length && !error) {
        size_t part = length < PIECE ? length : PIECE;
        unmask(s, piece, bytes, part);
        error = websocket_addresses_read(&s->addresses, piece, part);
        bytes += part;
        length -= part;
    }
    return error;
}

/* Passes over payload that is not there, or not to be looked at. */
static void skip_payload(struct side *s, uint64_t length)
{
    s->left -= length;
    s->phase = (s->phase + (unsigned)(length % MASK)) % MASK;
    if (s->text) {
        s->torn = true;
        websocket_addresses_break(&s->addresses);
    }
}

static int websocket_gap(void *state, const struct event_gap *gap)
{
    struct websocket *w = state;
    struct side *s = &w->side[gap->direction];
    uint64_t end = gap->offset + gap->length;
    if (s->begun && end <= s->at)
        return 0;
    uint64_t length = s->begun ? end - s->at : gap->length;
    s->at = end;
    s->begun = true;
    if (!s->in_payload || length > s->left) {
        conversation_want(w->conversation, gap->direction, TAPLINE_WANT_NOTHING, end);
        return end_frame(w, s);
    }
    skip_payload(s, length);
    return s->left == 0 ? end_frame(w, s) : 0;
}

static int read_frames(struct websocket *w, struct side *s, const struct event_data *data)
{
    int error = 0;
    for (size_t used = 0; used < data->length && !error;) {
        if (!s->in_payload) {
            used += read_head(s, data, used);
        } else {
            size_t there = data->length - used;
            size_t part = there < s->left ? there : (size_t)s->left;
            if (s->text)
                error = read_text(s, data->bytes + used, part);
            s->left -= part;
            used += part;
        }
        if (s->in_payload && s->left == 0 && !error)
            error = end_frame(w, s);
    }
    return error;
}

/* Declines the rest of a payload that is not text. Its last byte is not needed: what matters is
 * where the next frame begins. */
static void decline(struct websocket *w, const struct side *s, int direction)
{
    enum { WORTH_DECLINING = 16 * 1024 };
    if (s->in_payload && !s->text && s->left > WORTH_DECLINING && s->left < UINT64_MAX - s->at)
        conversation_want(w->conversation, direction, TAPLINE_WANT_FROM, s->at + s->left);
}

static int websocket_data(void *state, const struct event_data *data)
{
    struct websocket *w = state;
    struct side *s = &w->side[data->direction];
    int error = 0;
    if (s->begun && data->offset > s->at) {
        struct event_gap gap = {data->direction, s->at, data->offset - s->at};
        error = websocket_gap(w, &gap);
    }
    s->begun = true;
    s->at = data->offset + data->length;
    if (!error)
        error = read_frames(w, s, data);
    decline(w, s, data->direction);
    return error;
}

/* A text frame that the stream's end cut short counts with what was seen of it. */
static int websocket_close(void *state, const struct figures *figures)
{
    struct websocket *w = state;
    (void)figures;
    int error = 0;
    for (int side = 0; side < DIRECTIONS && !error; side++) {
        w->side[side].torn = true;
        websocket_addresses_break(&w->side[side].addresses);
        error = end_frame(w, &w->side[side]);
    }
    return error;
}

const struct protocol protocol_websocket = {
    .name = "websocket",
    .open = websocket_open,
    .data = websocket_data,
    .gap = websocket_gap,
    .close = websocket_close,
    .free = websocket_free,
};
