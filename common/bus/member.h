/*
 * This process as a member of a pipeline: its bus, its two inboxes, and the pulse that announces
 * them to the lobby; or, for the lobby, the one inbox that everybody knows.
 */
#ifndef TAPLINE_COMMON_MEMBER_H
#define TAPLINE_COMMON_MEMBER_H

#include <stdbool.h>
#include <tapline/wire.h>

#include "common/bus/bus.h"
#include "common/bus/inbox.h"
#include "common/bus/stage_options.h"

struct member;

/** Opens the sockets and announces them. The options are borrowed for its life. NULL, with *error
 *  set: ERR_STOPPED where the lifeline has ended already, else with a line on stderr. */
struct member *member_new(enum tapline_role role, const struct stage_options *options, int *error);

/** Its place on the bus. */
const struct bus *member_bus(const struct member *member);

/** What people call it. */
const char *member_name(const struct member *member);

/** Its inboxes: data comes in order and may wait, control never waits behind it. The lobby's
 *  `data` is NULL. */
struct inbox *member_data(const struct member *member);
struct inbox *member_control(const struct member *member);

/** Where others reach its control inbox. */
const char *member_endpoint(const struct member *member);

/** Did this come from the pipeline's own lobby, as far as keys can tell? */
bool member_by_lobby(const struct member *member, const struct message_head *head);

/** Says, the first time, that this process can be reached: something of the lobby has come. */
void member_reached(struct member *member);

/** Says from now on, and at once, that this worker takes no new work. */
void member_leave(struct member *member);

/** Says that it is gone, closes everything, and waits for what is still to leave. All links must
 *  be freed before. */
void member_free(struct member **member);

#endif
