/*
 * From a message's body to the functions of a stage's core.
 */
#ifndef TAPLINE_COMMON_DISPATCH_H
#define TAPLINE_COMMON_DISPATCH_H

#include <stdint.h>

#include "common/bus/inbox.h"
#include "common/bus/session.h"
#include "common/bus/stage.h"

/** Gives one message of an attempt to its core, piece by piece. 0; what the core returned; or the
 *  fault in the body. A message that the stage has no use for is passed over with a line in the
 *  log. */
int dispatch(const struct stage_hooks *hooks, const struct peers *peers, struct session *session,
             struct message *message);

#endif
