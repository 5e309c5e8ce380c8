/*
 * What is kept of a message body: the first BODY_KEPT bytes after its content coding (RFC 9110,
 * section 8.4.1) was taken off. Nothing is done for a byte that comes later, and nothing is
 * allocated for a body's bytes but the memory that keeps them.
 */
#ifndef TAPLINE_EXTRACTOR_BODY_H
#define TAPLINE_EXTRACTOR_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum { BODY_KEPT = 5120 };

enum body_coding {
    BODY_PLAIN,   /* as it is: no coding, or one that is not known here */
    BODY_GZIP,    /* RFC 1952, one member or more */
    BODY_DEFLATE, /* RFC 1950, and RFC 1951 bare, as some servers send it */
};

struct z_stream_s;

/** Zeroed: an empty body without a coding. */
struct body {
    struct buffer kept; /* the decoded bytes, BODY_KEPT at most */
    uint64_t came;      /* bytes before decoding, up to the first hole */
    enum body_coding coding;
    struct z_stream_s *inflate; /* while a coded body is being decoded */
    bool hole;                  /* bytes are missing behind `came`: what follows is not kept */
    bool settled;               /* nothing that comes can change what is kept */
};

/** The coding that a Content-Encoding field's value names, in any case of letters. */
enum body_coding body_coding_named(const uint8_t *value, size_t length);

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

/** Gives all memory back. */
void body_free(struct body *body);

#endif
