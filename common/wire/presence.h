/*
 * A process of the pipeline as others know it: what ANNOUNCE and ROSTER say of it
 * (<tapline/wire.h>).
 */
#ifndef TAPLINE_COMMON_PRESENCE_H
#define TAPLINE_COMMON_PRESENCE_H

#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/buffer.h"
#include "common/wire/unpack.h"

enum { PRESENCE_NAME = 64, PRESENCE_ENDPOINT = 256, PRESENCE_KEY = 41 };

struct presence {
    enum tapline_role role;
    uint64_t sender;
    uint64_t epoch;
    enum tapline_presence state;
    char name[PRESENCE_NAME];
    char data[PRESENCE_ENDPOINT];    /* its inboxes; "" where it has none */
    char control[PRESENCE_ENDPOINT];
    char key[PRESENCE_KEY];          /* its public key; "": none */
    uint64_t admission;              /* the lobby's count when it let this one in; 0: not known */
    uint64_t realm;                  /* whose memory it can read; 0: nobody's */
};

/** Appends the ANNOUNCE body; `figures` is one map. */
void presence_pack_announcement(struct buffer *to, const struct presence *presence,
                                const struct buffer *figures);

/** Reads an ANNOUNCE body; sender and epoch are the message's. `figures` becomes its map, where it
 *  stands there (empty otherwise). 0, ERR_TRUNCATED or ERR_MALFORMED. */
int presence_unpack_announcement(struct unpack *from, struct presence *presence,
                                 struct slice *figures);

/** Appends one row of a roster. */
void presence_pack(struct buffer *to, const struct presence *presence);

/** Reads one row of a roster; what stands behind the fields that it knows is passed over. 0,
 *  ERR_TRUNCATED or ERR_MALFORMED. */
int presence_unpack(struct unpack *from, struct presence *presence);

/** What people call a role: "tracker"; "worker" for one that is not known here. */
const char *role_name(enum tapline_role role);

/** Reads a text that must fit `size` bytes with its end; otherwise `from` is refused. */
void presence_text(struct unpack *from, char *out, size_t size);

#endif
