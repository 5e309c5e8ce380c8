/*
 * The options that the programs of the pipeline share.
 */
#ifndef TAPLINE_COMMON_STAGE_OPTIONS_H
#define TAPLINE_COMMON_STAGE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/opts.h"

/** Each row of STAGE_OPTS and WORKER_OPTS fills one field. */
struct stage_options {
    const char *join;   /* the lobby's endpoint; the lobby's own for the lobby */
    const char *inbox;  /* where its inboxes are bound (endpoint.h); NULL: beside the lobby */
    const char *advertise; /* under which address others reach them; NULL: that one */
    const char *key;    /* file of this process's secret key; NULL: it has none */
    const char *allow;  /* folder with the public keys of who may connect */
    const char *lobby_key; /* file of the lobby's public key; NULL: the lobby has none */
    const char *name;   /* what people call this worker; NULL: role and process id */
    uint64_t batch;     /* bytes */
    uint64_t queue;     /* bytes that may wait on one link, at each end */
    int64_t stall_ns;   /* how long a worker may take nothing before it counts as lost */
    uint64_t lifeline;  /* file descriptor whose end ends this process; 0: none */
    bool insecure;      /* plain TCP beyond loopback is meant */
    bool verbose;
};

extern const struct stage_options STAGE_OPTIONS_DEFAULT;

/** Of all programs: how one gets into the pipeline, and how one ends. */
extern const struct opt STAGE_OPTS[];
extern const size_t STAGE_OPTS_COUNT;

/** Of all that announce themselves and exchange data, which the lobby does not. */
extern const struct opt WORKER_OPTS[];
extern const size_t WORKER_OPTS_COUNT;

/** The high-water mark of data links and inboxes that follows from them: messages that may wait,
 *  two at least. */
int stage_options_waiting(const struct stage_options *options);

#endif
