/*
 * One message of the tap, as a consumer holds it.
 */
#ifndef TAPLINE_COMMON_RECORD_H
#define TAPLINE_COMMON_RECORD_H

#include <tapline/consumer.h>

/** No topic's name is longer. */
enum { TOPIC_MAX = 32 };

struct tapline_record {
    char topic[TOPIC_MAX];
    struct tapline_value map; /* one whole, well-formed map */
};

#endif
