/*
 * Payloads as the platforms send them, written into a buffer of the caller's.
 */
#ifndef TAPLINE_TEST_CLASSIFIER_PAYLOADS_H
#define TAPLINE_TEST_CLASSIFIER_PAYLOADS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PAYLOAD = 2048 };

#define ID_A "AbCdEfGhIjKlMnOp"
#define ID_B "0123456789zyxwvu"
#define PEER_A "-UT3550-abcdefghijkl"
#define PEER_B "-BJ3110-mnopqrstuvwx"

struct payload_bytes {
    size_t length;
    uint8_t bytes[PAYLOAD];
};

/* `length` bytes that no signature takes for anything. */
static inline struct payload_bytes payload_plain(size_t length)
{
    struct payload_bytes p = {.length = length};
    memset(p.bytes, 0xfe, length);
    return p;
}

static inline void payload_put(struct payload_bytes *p, size_t at, const void *bytes, size_t length)
{
    memcpy(p->bytes + at, bytes, length);
    if (at + length > p->length)
        p->length = at + length;
}

/* An identifier at an offset, a NUL before it, in a payload of so many bytes. */
static inline struct payload_bytes payload_xunlei(const char *id, size_t at, size_t length)
{
    struct payload_bytes p = payload_plain(length);
    p.bytes[at - 1] = 0;
    payload_put(&p, at, id, 16);
    p.length = length;
    return p;
}

/* A handshake, behind so many bytes of a header of uTP. */
static inline struct payload_bytes payload_torrent(const char *peer, size_t header)
{
    struct payload_bytes p = payload_plain(header + 48);
    payload_put(&p, header,
                "\x13"
                "BitTorrent protocol",
                20);
    payload_put(&p, header + 48, peer, 20);
    return p;
}

static inline struct payload_bytes payload_toutiao(const char *value, size_t at, size_t length)
{
    struct payload_bytes p = payload_plain(length);
    payload_put(&p, at, value, strlen(value) + 1);
    return p;
}

/* Appends an attribute, padded, and mends the message's length; an empty payload becomes a
 * message first. */
static inline void payload_stun(struct payload_bytes *p, uint16_t attribute, const void *value,
                                size_t length)
{
    if (p->length == 0)
        payload_put(p, 0,
                    "\0\1\0\0\x21\x12\xa4\x42"
                    "abcdefghijkl",
                    20);
    uint8_t head[] = {(uint8_t)(attribute >> 8), (uint8_t)attribute, (uint8_t)(length >> 8),
                      (uint8_t)length};
    payload_put(p, p->length, head, sizeof head);
    payload_put(p, p->length, value, length);
    payload_put(p, p->length, "\0\0\0", (4 - length % 4) % 4);
    p->bytes[2] = (uint8_t)((p->length - 20) >> 8);
    p->bytes[3] = (uint8_t)(p->length - 20);
}

#endif
