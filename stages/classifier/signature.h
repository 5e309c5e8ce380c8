/*
 * One signature of a platform: what a payload must look like, and which of its bytes identify
 * somebody. Signatures are data, read from a profile (profile.h); nothing here knows a platform.
 *
 * A signature lists alternatives. The first that matches counts; while one is undecided for want
 * of bytes, those behind it wait. So the outcome never depends on how bytes were batched.
 */
#ifndef TAPLINE_CLASSIFIER_SIGNATURE_H
#define TAPLINE_CLASSIFIER_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/recognise/verdict.h"
#include "common/wire/unpack.h"

enum {
    SIGNATURE_NAME = 48,        /* bytes of a name or label, its NUL included */
    SIGNATURE_TEXT = 64,        /* bytes that one condition compares */
    SIGNATURE_OFFSET = 4096,    /* the largest offset, length and search range */
    SIGNATURE_ALTERNATIVES = 8, /* of one signature */
    SIGNATURE_CONDITIONS = 8,   /* of one alternative */
    SIGNATURE_PRIORITY = 1000,
};

enum condition_kind {
    CONDITION_BYTES, /* these bytes stand at an offset */
    CONDITION_FOUND, /* these bytes stand at or behind an offset */
    CONDITION_CLASS, /* the bytes at an offset are all of a class */
};

/** ASCII classes, whatever the locale. */
enum byte_class { CLASS_ALNUM, CLASS_ALPHA, CLASS_DIGIT, CLASS_HEX, CLASS_PRINT };

struct condition {
    enum condition_kind kind;
    enum byte_class class;
    uint32_t at;     /* offset from the payload's first byte */
    uint32_t within; /* CONDITION_FOUND: so many offsets are tried; 0: all (datagrams only) */
    uint32_t length; /* of the bytes */
    uint32_t rare;   /* CONDITION_FOUND: index of the byte that is searched for first */
    uint8_t bytes[SIGNATURE_TEXT];
};

struct value {
    bool wanted;
    bool behind;        /* `at` counts from behind what the last CONDITION_FOUND found */
    uint32_t at;        /* offset of its first byte */
    uint32_t length;    /* at most so many bytes; 0: no bound (datagrams only) */
    bool until;         /* it ends before the first */
    uint8_t until_byte; /* of these */
};

struct alternative {
    uint32_t longer_than; /* the payload has more bytes than this */
    uint32_t condition_count;
    struct condition conditions[SIGNATURE_CONDITIONS];
    struct value value;
};

/** Where an identifier goes in the flow's record. */
enum reports {
    REPORTS_IDENTIFIERS, /* the list of what other platforms' signatures found */
    REPORTS_BIT_PEER,
    REPORTS_XUNLEI,
    REPORTS_TOUTIAO,
    REPORTS_STUN_VALUES,
};

/** What a signature does with a payload. */
enum signature_kind {
    SIGNATURE_MATCH,     /* holds its alternatives against it */
    SIGNATURE_STUN,      /* reads the JSON objects in one attribute of STUN messages */
    SIGNATURE_ADDRESSES, /* nothing: the extractor counts the addresses in WebSocket text */
};

struct signature {
    char name[SIGNATURE_NAME];
    char label[SIGNATURE_NAME]; /* the protocol_type; empty for SIGNATURE_ADDRESSES */
    enum signature_kind kind;
    uint8_t transport; /* by IP protocol number */
    uint16_t port;     /* of either side; 0: any */
    uint32_t priority; /* among what matches the same bytes the lowest counts */
    enum reports reports;
    bool except_stun;        /* a STUN message never matches */
    uint16_t stun_attribute; /* SIGNATURE_STUN */
    uint32_t alternative_count;
    struct alternative alternatives[SIGNATURE_ALTERNATIVES];
};

/** What a signature is held against. */
struct payload {
    const uint8_t *bytes;
    size_t length;
    size_t missing; /* bytes behind these that the snap length cut off */
    bool more;      /* further bytes may come: what lacks bytes is undecided */
};

/** What was found: `value` lies in the payload; empty where none is wanted or nothing is there. */
struct match {
    struct slice value;
    uint32_t location; /* the value's offset */
    size_t needs;      /* VERDICT_MORE: of fewer bytes than these nothing else can be said */
};

/** Is the signature for flows of this transport and these ports? */
bool signature_applies(const struct signature *s, uint8_t transport, const uint16_t port[2]);

/** The bytes of each class: a bit for each. */
extern const uint64_t signature_classes[][4];

/** Is the byte of that class? Asked for many bytes, hence in place. */
static inline bool signature_in_class(enum byte_class class, uint8_t byte)
{
    return signature_classes[class][byte >> 6] >> (byte & 63) & 1;
}

/** The index of the byte that occurs least elsewhere, as far as bytes by themselves say: payloads
 *  are full of letters, digits and NULs. */
uint32_t signature_rare_byte(const uint8_t *bytes, uint32_t length);

/** Holds a SIGNATURE_MATCH against a payload. VERDICT_MORE only where payload->more. */
enum verdict signature_match(const struct signature *s, const struct payload *payload,
                             struct match *match);

/** Orders by priority, then by name: <0, 0, >0. */
int signature_compare(const struct signature *a, const struct signature *b);

#endif
