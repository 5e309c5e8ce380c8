/*
 * What a consumer makes of the messages that come: it checks them, and knows what it missed. Apart
 * from its socket, so that a test can hand it anything.
 */
#ifndef TAPLINE_COMMON_INTAKE_H
#define TAPLINE_COMMON_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/consumer/heads.h"
#include "common/consumer/record.h"
#include "common/wire/unpack.h"

enum { SUBSCRIPTIONS_MAX = 32 };

/** Zeroed: nothing was subscribed to. */
struct intake {
    char subscriptions[SUBSCRIPTIONS_MAX][TOPIC_MAX];
    size_t count;
    size_t early_count; /* of those, the ones from before the sink was told that they are all */
    struct tapline_record record;
    struct heads heads;
};

/** Topics that begin so are wanted. 0; -EINVAL: the topic is too long, or one too many. */
int intake_subscribe(struct intake *intake, const char *topic);

/** The subscriptions so far are in force before anything that a sink says. */
void intake_ready(struct intake *intake);

/** Takes one message's two frames, of which `body` is borrowed as long as the record is used. True:
 *  `record` is one that was asked for. False, with *error 0: it was one for the intake alone;
 *  -EPROTO: it is not as the contract says, and was passed over. */
bool intake_take(struct intake *intake, struct slice topic, struct slice body, int *error);

#endif
