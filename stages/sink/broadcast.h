/*
 * What listeners are told of one attempt at one capture: its records as they are finished, and
 * what becomes of it (<tapline/tap.h>). Nothing here can fail the attempt: a message that cannot
 * be made is not sent.
 */
#ifndef TAPLINE_SINK_BROADCAST_H
#define TAPLINE_SINK_BROADCAST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "stages/sink/layout.h"
#include "stages/sink/row.h"
#include "stages/sink/tap.h"

struct broadcast;

/** Both are borrowed for its life. NULL: no memory. */
struct broadcast *broadcast_new(const struct tap *tap, const struct capture *capture);

/** Publishes nothing. NULLs the caller's pointer, and accepts NULL in it. */
void broadcast_free(struct broadcast **broadcast);

/** Counts one record of the topic. True: somebody wants it, broadcast_record is to follow. Without
 *  a broadcast (NULL) nobody does. */
bool broadcast_wanted(struct broadcast *broadcast, enum tap_topic topic);

/** Sends the record that was counted last. `view` as for row_pack. */
void broadcast_record(struct broadcast *broadcast, enum tap_topic topic, enum record_file file,
                      const struct row *row, const struct view *view);

/** Counts and sends a flow's beginning. */
void broadcast_open(struct broadcast *broadcast, const struct event_open *open);

/** Counts and sends one sighting of an xycdn key. */
void broadcast_key(struct broadcast *broadcast, struct slice key);

/** The attempt begins. */
void broadcast_begun(struct broadcast *broadcast);

/** It was published, or (`published` false) is void. */
void broadcast_ended(struct broadcast *broadcast, bool published, enum exit_status status,
                     const char *text);

#endif
