#include "stages/extractor/quic_packet.h"

enum {
    LONG_HEADER = 0x80,
    TYPE_SHIFT = 4,
    TYPE_MASK = 3,
};

enum frame_type {
    PADDING = 0x00,
    PING = 0x01,
    ACK = 0x02,
    ACK_ECN = 0x03,
    CRYPTO = 0x06,
    CONNECTION_CLOSE = 0x1c,
};

/* RFC 9000, section 16: the first two bits say how many bytes follow. */
static uint64_t variable_int(struct cursor *in)
{
    uint8_t first = cursor_u8(in);
    uint64_t value = first & 0x3f;
    for (unsigned more = (1u << (first >> 6)) - 1; more > 0 && !in->bad; more--)
        value = value << 8 | cursor_u8(in);
    return in->bad ? 0 : value;
}

/* A length that may announce more than there can be. */
static size_t variable_length(struct cursor *in)
{
    uint64_t length = variable_int(in);
    if (length > cursor_left(in))
        in->bad = true;
    return in->bad ? 0 : (size_t)length;
}

bool quic_packet_next(struct cursor *datagram, struct quic_packet *packet)
{
    if (cursor_left(datagram) == 0)
        return false;
    struct cursor in = *datagram;
    const uint8_t *start = in.at;
    uint8_t first = cursor_u8(&in);
    *packet = (struct quic_packet){.version = quic_version_find(cursor_u32(&in)), .bytes = start};
    uint8_t type = first >> TYPE_SHIFT & TYPE_MASK;
    if (in.bad || !(first & LONG_HEADER) || !packet->version || type == packet->version->retry)
        return false;
    packet->initial = type == packet->version->initial;
    packet->id_length = cursor_u8(&in);
    packet->id = cursor_take(&in, packet->id_length);
    packet->source_length = cursor_u8(&in);
    packet->source = cursor_take(&in, packet->source_length);
    if (packet->initial)
        cursor_skip(&in, variable_length(&in)); /* the token */
    size_t rest = variable_length(&in);
    if (in.bad || packet->id_length > QUIC_LONGEST_ID)
        return false;
    packet->number_at = (size_t)(in.at - start);
    packet->length = packet->number_at + rest;
    return cursor_skip(datagram, packet->length);
}

/* RFC 9000, section 19.3. */
static void ack_skip(struct cursor *in, bool with_counts)
{
    variable_int(in); /* largest acknowledged */
    variable_int(in); /* delay */
    uint64_t ranges = variable_int(in);
    variable_int(in); /* the first range */
    for (; ranges > 0 && !in->bad; ranges--) {
        variable_int(in); /* gap */
        variable_int(in); /* length */
    }
    for (int counts = with_counts ? 3 : 0; counts > 0; counts--)
        variable_int(in);
}

bool quic_crypto_frame_next(struct cursor *payload, struct quic_crypto_frame *frame)
{
    while (cursor_left(payload) > 0) {
        uint8_t type = cursor_u8(payload);
        switch (type) {
        case PADDING:
        case PING: break;
        case ACK:
        case ACK_ECN: ack_skip(payload, type == ACK_ECN); break;
        case CRYPTO:
            frame->offset = variable_int(payload);
            frame->length = variable_length(payload);
            frame->bytes = cursor_take(payload, frame->length);
            return frame->bytes != NULL;
        case CONNECTION_CLOSE:
            variable_int(payload); /* error */
            variable_int(payload); /* type of the frame that caused it */
            cursor_skip(payload, variable_length(payload));
            break;
        default: return false;
        }
    }
    return false;
}
