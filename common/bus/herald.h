/*
 * Tells a capture's reader what becomes of it, over a link of its own to the endpoint that the
 * capture document names: that also works before the roster has come around.
 */
#ifndef TAPLINE_COMMON_HERALD_H
#define TAPLINE_COMMON_HERALD_H

#include "common/base/buffer.h"
#include "common/bus/bus.h"
#include "common/wire/capture.h"
#include "common/wire/message.h"

struct herald;

/** For a capture's reader; nothing is connected before something is told. All are borrowed for its
 *  life. NULL: no memory. */
struct herald *herald_new(const struct bus *bus, const struct capture *capture);

/** Tells one message: kind, capture and attempt from `head`; `body` is one msgpack value. 0;
 *  ERR_LOST: the reader takes nothing; or the link's error. */
int herald_tell(struct herald *herald, const struct message_head *head, const struct buffer *body);

/** What was told has a second to leave. Accepts NULL in the caller's pointer, and sets it to NULL.
 */
void herald_free(struct herald **herald);

#endif
