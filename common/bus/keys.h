/*
 * CURVE keys (ZeroMQ's RFC 26) as files: a secret one that its owner alone may read, and beside it
 * the public one, NAME.pub, to be given to others. Both are text, a line for each key, in Z85
 * (ZeroMQ's RFC 32):
 *
 *     public-key <40 characters>
 *     secret-key <40 characters>
 */
#ifndef TAPLINE_COMMON_KEYS_H
#define TAPLINE_COMMON_KEYS_H

#include "common/wire/presence.h"

/** Both keys of a process, as texts; "" where it has none. */
struct keys {
    char public_key[PRESENCE_KEY];
    char secret_key[PRESENCE_KEY];
};

/** Makes a new pair and writes `path` and `path`.pub, neither of which may exist. 0; ERR_USAGE, or
 *  a negated errno, with a line on stderr. */
int keys_create(const char *path);

/** Reads a secret key's file. 0; -EPERM: others than its owner may read it; ERR_USAGE: it holds no
 *  such key; another negated errno. Says nothing. */
int keys_read(const char *path, struct keys *keys);

/** Reads the public key of a file that holds one. 0; ERR_USAGE where it holds none; a negated
 *  errno. Says nothing. */
int keys_read_public(const char *path, char key[PRESENCE_KEY]);

/** What such an error means for the file, for people. */
const char *keys_fault(int error);

#endif
