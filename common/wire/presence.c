#include "common/wire/presence.h"

#include <string.h>

#include "common/wire/pack.h"

/* Fields of the first version, and what was appended since. */
enum { ANNOUNCE_LEAST = 4, ANNOUNCE_STATE = 6, ANNOUNCE_FIGURES = 7, ANNOUNCE_FIELDS = 8 };
enum { ROW_LEAST = 6, ROW_STATE = 8, ROW_ADMISSION = 9, ROW_FIELDS = 10 };

const char *role_name(enum tapline_role role)
{
    switch (role) {
    case TAPLINE_READER: return "reader";
    case TAPLINE_TRACKER: return "tracker";
    case TAPLINE_CLASSIFIER: return "classifier";
    case TAPLINE_EXTRACTOR: return "extractor";
    case TAPLINE_SINK: return "sink";
    case TAPLINE_LOBBY: return "lobby";
    }
    return "worker";
}

void presence_text(struct unpack *from, char *out, size_t size)
{
    struct slice text = unpack_str(from);
    if (from->error)
        return;
    if (text.length >= size || memchr(text.bytes, '\0', text.length)) {
        unpack_refuse(from);
        return;
    }
    memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
}

static void unpack_state(struct unpack *from, struct presence *presence)
{
    uint64_t state = unpack_uint(from);
    if (state > TAPLINE_COMING)
        unpack_refuse(from);
    presence->state = (enum tapline_presence)state;
    presence_text(from, presence->key, sizeof presence->key);
}

static void unpack_role(struct unpack *from, struct presence *presence)
{
    uint64_t role = unpack_uint(from);
    if (role > UINT16_MAX)
        unpack_refuse(from);
    presence->role = (enum tapline_role)role;
}

static void unpack_names(struct unpack *from, struct presence *presence)
{
    presence_text(from, presence->name, sizeof presence->name);
    presence_text(from, presence->data, sizeof presence->data);
    presence_text(from, presence->control, sizeof presence->control);
}

static void pack_names(struct buffer *to, const struct presence *presence)
{
    pack_str(to, presence->name);
    pack_str(to, presence->data);
    pack_str(to, presence->control);
    pack_uint(to, presence->state);
    pack_str(to, presence->key);
}

void presence_pack_announcement(struct buffer *to, const struct presence *presence,
                                const struct buffer *figures)
{
    pack_array(to, ANNOUNCE_FIELDS);
    pack_uint(to, presence->role);
    pack_names(to, presence);
    buffer_append(to, figures->bytes, figures->length);
    pack_uint(to, presence->realm);
}

int presence_unpack_announcement(struct unpack *from, struct presence *presence,
                                 struct slice *figures)
{
    uint32_t fields = unpack_array_of(from, ANNOUNCE_LEAST);
    *figures = (struct slice){0};
    unpack_role(from, presence);
    unpack_names(from, presence);
    if (fields >= ANNOUNCE_STATE)
        unpack_state(from, presence);
    if (fields >= ANNOUNCE_FIGURES && unpack_type(from) != UNPACK_MAP)
        unpack_refuse(from);
    if (!from->error && fields >= ANNOUNCE_FIGURES)
        *figures = unpack_raw(from);
    presence->realm = fields >= ANNOUNCE_FIELDS ? unpack_uint(from) : 0;
    return from->error;
}

void presence_pack(struct buffer *to, const struct presence *presence)
{
    pack_array(to, ROW_FIELDS);
    pack_uint(to, presence->role);
    pack_uint(to, presence->sender);
    pack_uint(to, presence->epoch);
    pack_names(to, presence);
    pack_uint(to, presence->admission);
    pack_uint(to, presence->realm);
}

int presence_unpack(struct unpack *from, struct presence *presence)
{
    uint32_t fields = unpack_array_of(from, ROW_LEAST);
    *presence = (struct presence){0};
    unpack_role(from, presence);
    presence->sender = unpack_uint(from);
    presence->epoch = unpack_uint(from);
    unpack_names(from, presence);
    uint32_t known = ROW_LEAST;
    if (fields >= ROW_STATE) {
        unpack_state(from, presence);
        known = ROW_STATE;
    }
    if (fields >= ROW_ADMISSION) {
        presence->admission = unpack_uint(from);
        known = ROW_ADMISSION;
    }
    if (fields >= ROW_FIELDS) {
        presence->realm = unpack_uint(from);
        known = ROW_FIELDS;
    }
    if (!from->error)
        unpack_skip_many(from, fields - known);
    return from->error;
}
