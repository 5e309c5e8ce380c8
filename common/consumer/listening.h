/*
 * How programs that listen are told what to listen to: the options that they share.
 */
#ifndef TAPLINE_COMMON_LISTENING_H
#define TAPLINE_COMMON_LISTENING_H

#include <stdbool.h>
#include <stddef.h>
#include <tapline/consumer.h>

#include "common/base/opts.h"

/** Zeroed: the defaults. */
struct listening_options {
    struct opt_texts connect; /* endpoints of taps */
    const char *key;          /* file of this listener's secret key; NULL: it has none */
    struct opt_texts tap_key; /* files of the taps' public keys: one for all, or one for each */
    bool insecure;            /* plain TCP beyond this machine is meant */
};

extern const struct opt LISTENING_OPTS[];
extern const size_t LISTENING_OPTS_COUNT;

/** Connects to all that the options name. NULL, with *error set and a line on stderr: ERR_USAGE, or
 *  a negated errno. */
struct tapline_consumer *listening_open(const struct listening_options *options, int *error);

#endif
