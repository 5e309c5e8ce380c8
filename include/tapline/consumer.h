/*
 * libtapline: listening to a tap from C (pkg-config tapline; the contract is <tapline/tap.h>).
 *
 *     struct tapline_consumer *tap = tapline_open("ipc:///tmp/records", &error);
 *     tapline_subscribe(tap, TAPLINE_TOPIC_DNS);
 *     while ((error = tapline_next(tap, -1, &record)) == 0)
 *         ... tapline_get(record, "dns_domain") ...
 *     tapline_close(&tap);
 *
 * Functions that can fail return 0 or a negated errno. A consumer is used by one thread at a
 * time. Nothing is copied: a record, and every value and text taken from it, is borrowed until
 * the next call of tapline_next or tapline_close on its consumer.
 */
#ifndef TAPLINE_CONSUMER_H
#define TAPLINE_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tapline/tap.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What a value is. */
enum tapline_type {
    TAPLINE_NONE, /* there is no such value */
    TAPLINE_NIL,  /* unknown, or not known yet */
    TAPLINE_BOOL,
    TAPLINE_INT,
    TAPLINE_DOUBLE,
    TAPLINE_TEXT, /* UTF-8 */
    TAPLINE_TIME,
    TAPLINE_LIST,
    TAPLINE_MAP,
    TAPLINE_OTHER, /* bytes, or an extension: nothing of this version of the contract */
};

/** One value; its fields are the library's. Passed by value, borrowed from its record. */
struct tapline_value {
    const unsigned char *bytes;
    size_t length;
};

/** The way through a list or a map; its fields are the library's. */
struct tapline_items {
    struct tapline_value rest;
    uint32_t left;
    bool named;
};

struct tapline_consumer;
struct tapline_record;

/* ---- listening ---- */

/** Connects to a tap, which need not be there yet, and is connected to again whenever it comes
 *  back; NULL: to none yet. NULL, with *error set: -EINVAL (no endpoint of ZeroMQ's), -ENOMEM and
 *  others. */
struct tapline_consumer *tapline_open(const char *endpoint, int *error);

/** Connects to a tap besides, such as that of another sink. 0 or a negated errno, as above. */
int tapline_connect(struct tapline_consumer *consumer, const char *endpoint);

/** From now on connects over TCP by keys, as taps beyond this machine ask for: `own_key` is the
 *  file of this listener's secret key, whose public one the tap's side has listed; `tap_key` that
 *  of the public key which the tap must prove (`tapline keys`). 0; -EPERM: others may read the
 *  secret key; -EINVAL: a file holds no key; -ENOENT and others. */
int tapline_use_keys(struct tapline_consumer *consumer, const char *own_key, const char *tap_key);

/** Wants the topics that begin with `topic`; "" is all of them. The first tapline_next tells the
 *  sink that the subscriptions are complete (`ready`). 0 or a negated errno. */
int tapline_subscribe(struct tapline_consumer *consumer, const char *topic);

/**
 * Waits for the next record, at most `timeout_ms` (0: not at all, -1: for ever). 0, and *record is
 * set; -EAGAIN: none came in time; -EINTR: a signal came; -EPROTO: a message that is not as the
 * contract says, or of another version of it, was passed over; or another negated errno.
 */
int tapline_next(struct tapline_consumer *consumer, int timeout_ms,
                 const struct tapline_record **record);

/** How many messages of the topics that begin with `topic`, and were subscribed to, have been
 *  missed since the first one of each topic was seen, or the sink's first `stats`. Those missed
 *  last are known as soon as the sink's next `stats` has come, or the next message of their topic.
 */
uint64_t tapline_missed(const struct tapline_consumer *consumer, const char *topic);

/** Closes and nulls the pointer; accepts NULL. */
void tapline_close(struct tapline_consumer **consumer);

/* ---- records ---- */

/** The topic, with a NUL behind it. */
const char *tapline_topic(const struct tapline_record *record);

/** All of a record, as one map. */
struct tapline_value tapline_record_value(const struct tapline_record *record);

/** The value under a key; of type TAPLINE_NONE where there is none. */
struct tapline_value tapline_get(const struct tapline_record *record, const char *key);

/* ---- values ---- */

/** Of what type a value is. */
enum tapline_type tapline_type_of(struct tapline_value value);

/** Each gives the value where it is of that type, and otherwise false and leaves *out alone. */
bool tapline_bool(struct tapline_value value, bool *out);
bool tapline_int(struct tapline_value value, int64_t *out);
/** An integer is given as well. */
bool tapline_double(struct tapline_value value, double *out);
/** No NUL is behind it. */
bool tapline_text(struct tapline_value value, const char **text, size_t *length);
/** Nanoseconds since 1970-01-01T00:00:00Z. */
bool tapline_time(struct tapline_value value, int64_t *out);

/** The way through the items of a list, or the pairs of a map; through none where the value is
 *  neither. */
struct tapline_items tapline_items(struct tapline_value value);

/** Steps to the next item; false at the end. `name` gets the key of a pair (of type TAPLINE_NONE
 *  in a list), and may be NULL. */
bool tapline_item(struct tapline_items *items, struct tapline_value *name,
                  struct tapline_value *value);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
