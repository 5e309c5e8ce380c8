/*
 * How far a consumer has come in every sink's topics, and so what it missed.
 */
#ifndef TAPLINE_COMMON_HEADS_H
#define TAPLINE_COMMON_HEADS_H

#include <stddef.h>
#include <stdint.h>

#include "common/consumer/record.h"

/** Sinks come and go; of more the one that was heard of least recently is forgotten. */
enum { HEADS_MAX = 256, SINK_ID_MAX = 17 };

struct head {
    char sink[SINK_ID_MAX];
    char topic[TOPIC_MAX];
    uint64_t seq;
    uint64_t missed;
    uint64_t touched; /* by which call */
};

/** Zeroed: nothing is known. */
struct heads {
    struct head known[HEADS_MAX];
    size_t count;
    uint64_t calls;
};

/** A message of that number came. */
void heads_arrived(struct heads *heads, const char *sink, const char *topic, uint64_t seq);

/** The sink says that its last message was that one; all before it have arrived or never will.
 *  Where none of the topic came yet, counting begins here, provided that the subscription is
 *  `in_force`: made before the sink said so. */
void heads_told(struct heads *heads, const char *sink, const char *topic, uint64_t seq,
                bool in_force);

/** Messages missed, of the topics that begin so. */
uint64_t heads_missed(const struct heads *heads, const char *prefix);

#endif
