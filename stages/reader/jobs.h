/*
 * Runs that are ordered line by line while the reader works, and answered as they end: both are
 * JSON, one object a line.
 *
 *     {"id": 7, "captures": ["a.pcap", "b.pcap.gz"], "out": "DIR"}
 *     {"id": 7, "status": 0, "messages": ["warning: ..."], "summary": {...}}
 *
 * `id` is any value, and comes back as it is. `captures` are regular files, read as one; `status`
 * is the exit status that a reader of this run alone would have. A line that orders nothing is
 * answered with EXIT_WRONG_USE; so every line has its answer, in the order in which runs end.
 */
#ifndef TAPLINE_READER_JOBS_H
#define TAPLINE_READER_JOBS_H

#include "common/base/error.h"
#include "common/wire/unpack.h"
#include "stages/reader/remarks.h"
#include "stages/reader/run.h"

/** What is read of them and not yet ordered, and where answers go. */
struct jobs;

/** One of them, from its line to its answer. */
struct job;

/** Jobs from a file ("-": standard input), answered on `answers` (borrowed). NULL, with *error
 *  set: a negated errno. */
struct jobs *jobs_open(const char *path, int answers, int *error);

/** Closes the file of orders; jobs that were taken stay. NULLs the caller's pointer, and accepts
 *  NULL in it. */
void jobs_free(struct jobs **jobs);

/** What to wait on for more lines. */
int jobs_descriptor(const struct jobs *jobs);

/** The next job, without waiting for it; NULL, with *error set: ERR_AGAIN: its line is not here
 *  yet; ERR_EOF: there is none any more; ERR_STOPPED: a signal came; or what jobs_answer returned,
 *  for a line that orders nothing; -ENOMEM, or the system's error. */
struct job *jobs_next(struct jobs *jobs, int *error);

/** What it orders; lives as long as the job. */
const struct run_order *job_order(const struct job *job);

/** Answers a job and frees it. 0; ERR_STOPPED: a signal came first; or the system's error where
 *  nobody takes answers. */
int jobs_answer(struct jobs *jobs, struct job **job, enum exit_status status,
                const struct remarks *remarks, struct slice summary);

/** Frees one that gets no answer. */
void job_free(struct job **job);

#endif
