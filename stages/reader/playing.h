/*
 * One attempt at a capture from the reader's side: which workers take part, what was sent to each
 * of them, and how it closes.
 */
#ifndef TAPLINE_READER_PLAYING_H
#define TAPLINE_READER_PLAYING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/stage.h"
#include "common/wire/capture.h"
#include "common/wire/frame.h"
#include "stages/reader/remarks.h"

/** Workers of a role that one capture can have. */
enum { PLAYING_WORKERS_MAX = 1024 };

struct playing;

/**
 * Chooses the workers that are fixed for its length, all trackers and one sink, and sends the sink
 * the capture's document, completed by them. `core` gets the messages of this attempt. There must
 * be a tracker and a sink. `stock` is where the frames' bytes stand, for workers of this machine to
 * read them there (NULL: they are sent); it and `remarks` are borrowed for its life. NULL, with
 * *error set.
 */
struct playing *playing_begin(struct stage *stage, struct capture *capture, void *core,
                              const struct stock *stock, struct remarks *remarks, int *error);

/** The sink wants to hear of flows when they begin: before the first frame. 0 or -ENOMEM. */
int playing_set_opens(struct playing *playing);

/** Sends a frame to the tracker of its address pair, and a clock to all of them now and then. 0,
 *  or the error that this attempt ends with. */
int playing_frame(struct playing *playing, const struct frame *frame);

/** What reading a capture came to: frames that are neither played nor left out were lost. */
struct reading {
    uint64_t frames;       /* that were read */
    uint64_t filtered_out; /* that the filter left out, */
    uint64_t misfits;      /* and of these: it could not be asked of their link type */
    const char *cut;       /* where the capture broke off; NULL: it did not */
    uint64_t cuts;         /* in how many places */
};

/** A free piece of its stock: see session_take_piece. */
uint8_t *playing_take_piece(struct playing *playing, struct stock *stock, int *error);

/** Everything was played: closes the books with every tracker and the sink. 0, or the error. */
int playing_finish(struct playing *playing, const struct reading *reading);

/** How many frames, and bytes of frames, were sent. */
uint64_t playing_frames(const struct playing *playing);
uint64_t playing_bytes(const struct playing *playing);

/** Gives the sink its word; false: it could not be told. */
bool playing_word(struct playing *playing, bool yes);

/** What this attempt has lost, for people: "" as long as it has lost nothing. */
const char *playing_fault(struct playing *playing);

/** Its session is about to go (the stage's hook `end`): tells every worker that this attempt is
 *  over. */
void playing_released(struct playing *playing);

/** Ends its session, if that is still there, and frees it. Not to be called from within one of its
 *  own messages. */
void playing_end(struct playing **playing);

#endif
