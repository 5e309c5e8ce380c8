#include "common/wire/message.h"

#include <assert.h>
#include <string.h>

#include "common/base/big_endian.h"
#include "common/base/error.h"
#include "common/wire/pack.h"

enum { MAGIC_BYTES = sizeof TAPLINE_MAGIC - 1, SENT_BYTES = PACK_LONGEST_NUMBER };

void message_open(struct buffer *message)
{
    static const uint8_t room[MESSAGE_HEAD_MAX];
    buffer_append(message, room, sizeof room);
}

size_t message_seal(struct buffer *message, const struct message_head *head)
{
    uint8_t room[MESSAGE_HEAD_MAX], *at = room;
    *at++ = PACK_FIXARRAY | TAPLINE_MESSAGE_FIELDS;
    *at++ = PACK_FIXSTR | MAGIC_BYTES;
    at = mempcpy(at, TAPLINE_MAGIC, MAGIC_BYTES);
    at = pack_put_uint(at, TAPLINE_WIRE_VERSION);
    at = pack_put_uint(at, head->kind);
    at = pack_put_uint(at, head->capture);
    at = pack_put_uint(at, head->attempt);
    at = pack_put_uint(at, head->sender);
    at = pack_put_uint(at, head->epoch);
    at = pack_put_uint(at, head->sequence);
    size_t length = (size_t)(at - room), start = sizeof room - length;
    assert(length <= sizeof room && message->length >= sizeof room);
    memcpy(message->bytes + start, room, length);
    uint8_t sent[SENT_BYTES] = {PACK_UINT_64};
    big_endian_put_64(sent + 1, head->sent);
    buffer_append(message, sent, sizeof sent);
    return start;
}

/* The last field, read without reading the body before it. */
static uint64_t sent_field(const struct unpack *from, uint32_t fields)
{
    if (from->error || fields != TAPLINE_MESSAGE_FIELDS || from->end - from->at <= SENT_BYTES)
        return 0;
    const uint8_t *at = from->end - SENT_BYTES;
    return at[0] == PACK_UINT_64 ? big_endian_64(at + 1) : 0;
}

int message_head_unpack(struct unpack *from, struct message_head *head)
{
    uint32_t fields = unpack_array_of(from, 2);
    struct slice magic = unpack_str(from);
    if (!from->error && (magic.length != strlen(TAPLINE_MAGIC) ||
                         memcmp(magic.bytes, TAPLINE_MAGIC, magic.length) != 0))
        unpack_refuse(from);
    uint64_t version = unpack_uint(from);
    if (!from->error && version != TAPLINE_WIRE_VERSION)
        return from->error = ERR_VERSION;
    if (!from->error && fields < TAPLINE_HEAD_FIELDS)
        unpack_refuse(from);
    uint64_t kind = unpack_uint(from);
    if (kind > UINT16_MAX)
        unpack_refuse(from);
    head->proved = NULL;
    head->kind = (enum tapline_kind)kind;
    head->capture = unpack_uint(from);
    head->attempt = unpack_uint(from);
    head->sender = unpack_uint(from);
    head->epoch = unpack_uint(from);
    head->sequence = unpack_uint(from);
    head->sent = sent_field(from, fields);
    return from->error;
}
