/*
 * A platform profile: the signatures that a capture is held against.
 *
 * Profiles are written as platform files (deploy/platforms/, described in its README.md), checked
 * and merged into one canonical JSON document, which travels with the capture and is what every
 * classifier reads. Both forms go through the same checks, and a fault is said so that whoever
 * wrote the file can mend it: file, signature, fault.
 */
#ifndef TAPLINE_CLASSIFIER_PROFILE_H
#define TAPLINE_CLASSIFIER_PROFILE_H

#include <stddef.h>

#include "common/base/buffer.h"
#include "stages/classifier/signature.h"

enum {
    PROFILE_BYTES = 64 * 1024, /* of a platform file, and of a document */
    PROFILE_SIGNATURES = 48,   /* in one document */
    PROFILE_FILES = 64,        /* merged into one, included ones counted */
    PROFILE_FAULT = 512,       /* bytes that a fault's text may take, its NUL included */
};

struct profile;

/**
 * Reads a document. One without a byte is of no platform: HTTP, TLS and DNS only. NULL, with the
 * reason in `fault`, where it is none, or there is no memory.
 */
struct profile *profile_parse(const char *text, size_t length, char fault[PROFILE_FAULT]);

/** And its signatures. NULLs the caller's pointer, and accepts NULL in it. */
void profile_free(struct profile **profile);

/** Its signatures, by priority and then by name. */
size_t profile_count(const struct profile *profile);
const struct signature *profile_signature(const struct profile *profile, size_t index);

/** Those of the signatures `of` (a bit for each, by its index), which are for TCP or for UDP, that
 *  a glance at the payload does not rule out (glance.h). */
uint64_t profile_glance(const struct profile *profile, bool tcp, uint64_t of,
                        const struct payload *payload);

/**
 * Reads platform files, and those that they include from beside them, each once; appends the
 * document that they make, the same bytes for the same files in any order. Files that give the
 * same signature agree. 0; ERR_USAGE with the reason in `fault`; or -ENOMEM, with `fault` set too.
 */
int profile_merge(const char *const files[], size_t count, struct buffer *document,
                  char fault[PROFILE_FAULT]);

/** `--print-profile FILE...`: prints the document on stdout, or the fault in the log. The exit
 *  status (enum exit_status). */
int profile_command(const char *const files[], size_t count);

#endif
