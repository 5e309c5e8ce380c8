/*
 * What is kept of a message body: the first BODY_KEPT bytes after its codings (RFC 9110, section
 * 8.4.1; RFC 9112, section 7.2) were taken off. Nothing is done for a byte that comes later, and
 * nothing is allocated for a body's bytes but the memory that keeps them.
 */
#ifndef TAPLINE_EXTRACTOR_BODY_H
#define TAPLINE_EXTRACTOR_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum { BODY_KEPT = 5120, BODY_CODINGS = 4 };

enum body_coding {
    BODY_PLAIN,   /* none: identity, or chunked, which the parser takes off */
    BODY_GZIP,    /* RFC 1952, one member or more */
    BODY_DEFLATE, /* RFC 1950, and RFC 1951 bare, as some servers send it */
    BODY_FOREIGN, /* one that is not known here */
};

struct z_stream_s;

/** Zeroed: an empty body without a coding. */
struct body {
    struct buffer kept; /* the decoded bytes, BODY_KEPT at most */
    uint64_t came;      /* bytes before decoding, up to the first hole */
    enum body_coding
        coding[BODY_CODINGS]; /* that can be taken off, in the order they were put on */
    unsigned codings;         /* of these */
    struct z_stream_s *inflate[BODY_CODINGS]; /* while a coded body is being decoded */
    uint64_t between;                         /* bytes that codings handed to those within */
    bool hole;    /* bytes are missing behind `came`: what follows is not kept */
    bool settled; /* nothing that comes can change what is kept */
};

/** Notes the codings that a field's value lists, in any case of letters; the next field's were put
 *  on later. What is within a coding not known here, or within too many, stays as it is. */
void body_note_codings(struct body *body, const uint8_t *value, size_t length);

/** The next bytes, transfer coding removed; 0 or -ENOMEM. Broken coding ends what is kept. */
int body_add(struct body *body, const uint8_t *bytes, size_t length);

/** Bytes were lost here. */
void body_hole(struct body *body);

/** Would further bytes change nothing of a record? Then they need not even come. */
bool body_sated(const struct body *body);

/** Is a byte missing that a record counts on: one of the first BODY_KEPT before decoding? */
bool body_torn(const struct body *body);

/** Nothing more comes: gives back what decoding took. */
void body_settle(struct body *body);

/** Makes it an empty body without a coding, which keeps the memory for its bytes. */
void body_clear(struct body *body);

/** Gives all memory back. */
void body_free(struct body *body);

#endif
