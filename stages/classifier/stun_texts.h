/*
 * What texts in STUN attributes say, each read once: whoever speaks to many peers tells all of them
 * the same, so that a text is mostly one that was read a moment ago for another flow.
 */
#ifndef TAPLINE_CLASSIFIER_STUN_TEXTS_H
#define TAPLINE_CLASSIFIER_STUN_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/unpack.h"

/** One text, and what stun_object (stun.h) made of it without the member `data_ip`. */
struct stun_text {
    struct buffer text;
    bool object; /* it is one; nothing below counts where it is not */
    uint32_t count;
    struct buffer pairs;
    uint64_t digest[2];
};

/** The texts that were read last, as many as STUN_TEXTS; a longer one than STUN_TEXT_KEPT is read
 *  each time that it comes. */
struct stun_texts;

enum { STUN_TEXTS = 256, STUN_TEXT_KEPT = 1024 };

/** NULL: no memory. */
struct stun_texts *stun_texts_new(void);

/** And what it lent. NULLs the caller's pointer, and accepts NULL in it. */
void stun_texts_free(struct stun_texts **texts);

/** What this text says: borrowed, until the next is asked for. NULL: no memory. */
const struct stun_text *stun_texts_read(struct stun_texts *texts, struct slice text);

#endif
