/*
 * Drives one stage's core by itself, without sockets: what comes in is read from files, what goes
 * out is packed into others, as the stages would. The programs core_STAGE are such drivers;
 * `instructions` counts what they take.
 *
 * A file is a run of batches, each a length (32 bits, the machine's order) and that many bytes of
 * frames or events, one behind the other, without an array's head.
 */
#ifndef TAPLINE_BENCH_CORE_H
#define TAPLINE_BENCH_CORE_H

#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/unpack.h"

/** The capture that every driver works on; `profile` is a profile document's file, or NULL. */
struct capture core_capture(const char *profile);

/** A whole file in memory; exits where it cannot be read. */
struct slice core_file(const char *path);

/** Takes the next batch off the file's bytes; false: there is none. */
bool core_batch(struct slice *file, struct unpack *batch);

/** Gives whatever a stage hands on to the files PREFIX.to-ROLE, and its tally to PREFIX.tally. */
const struct outlet *core_outlet(const char *prefix);

/** A batch for a role's file that is being filled; core_filled writes it where it is full. */
struct buffer *core_open_batch(enum tapline_role to);
void core_filled(enum tapline_role to);

/** The kind of the last message that was told to the reader; 0: none. */
uint32_t core_told(void);

/** Writes what is left. */
void core_close(void);

/** Exits where a core failed. */
void core_check(int error, const char *what);

/** What is measured: every driver defines it. `arguments` are those of main. */
void core_run(char **arguments);

#endif
