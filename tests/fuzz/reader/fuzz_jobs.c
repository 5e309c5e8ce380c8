/* Any lines as jobs: each is a run to make, or has its answer. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/reader/jobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int lines = memfd_create("lines", 0), answers = memfd_create("answers", 0), error;
    char path[32];
    assert(write(lines, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/dev/fd/%d", lines);
    struct jobs *jobs = jobs_open(path, answers, &error);
    struct job *job;
    while ((job = jobs_next(jobs, &error))) {
        const struct run_order *order = job_order(job);
        struct remarks remarks = {.kept = true};
        assert(order->out && order->count);
        for (size_t i = 0; i < order->count; i++)
            remark(&remarks, LOG_WARNING, "%s", order->paths[i]);
        assert(jobs_answer(jobs, &job, EXIT_DONE, &remarks, (struct slice){0}) == 0);
        remarks_free(&remarks);
    }
    assert(error == ERR_EOF || error == ERR_LIMIT);
    jobs_free(&jobs);
    close(lines);
    close(answers);
    return 0;
}
