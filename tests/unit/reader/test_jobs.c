/* Jobs: lines that order runs, lines that order nothing, and the answers to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/error.h"
#include "stages/reader/jobs.h"

struct desk {
    char path[64]; /* the file of jobs, */
    FILE *lines;   /* as it is written */
    int answers[2];
    struct jobs *jobs;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    int error;
    strcpy(desk->path, "/tmp/tapline-jobs-XXXXXX");
    desk->lines = fdopen(mkstemp(desk->path), "w");
    setvbuf(desk->lines, NULL, _IONBF, 0);
    desk->jobs = pipe(desk->answers) == 0 ? jobs_open(desk->path, desk->answers[1], &error) : NULL;
    *state = desk;
    return desk->jobs ? 0 : -1;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    jobs_free(&desk->jobs);
    fclose(desk->lines);
    unlink(desk->path);
    close(desk->answers[0]);
    close(desk->answers[1]);
    free(desk);
    return 0;
}

static struct job *next(struct desk *desk)
{
    int error;
    struct job *job = jobs_next(desk->jobs, &error);
    if (!job)
        fail_msg("there is no job: %s", error_text(error));
    return job;
}

static void no_more(struct desk *desk)
{
    int error;
    assert_null(jobs_next(desk->jobs, &error));
    assert_int_equal(error, ERR_EOF);
}

static void was_answered(struct desk *desk, const char *want)
{
    char text[4096] = "";
    assert_true(read(desk->answers[0], text, sizeof text - 1) > 0);
    assert_string_equal(text, want);
}

static void a_line_is_a_run_and_has_its_answer(void **state)
{
    struct desk *desk = *state;
    struct remarks remarks = {.kept = true};
    fputs("{\"id\": {\"n\": 7}, \"captures\": [\"a\", \"b\"], \"out\": \"c\"}\n", desk->lines);
    struct job *job = next(desk);
    const struct run_order *order = job_order(job);
    assert_string_equal(order->out, "c");
    assert_int_equal(order->count, 2);
    assert_string_equal(order->paths[1], "b");
    remark(&remarks, LOG_WARNING, "half of \"%s\" is missing", order->paths[0]);
    remark(&remarks, LOG_ERROR, "and all of the rest");
    const char *summary = "{\"packets\": 3}";
    assert_int_equal(jobs_answer(desk->jobs, &job, EXIT_CUT, &remarks,
                                 (struct slice){(const uint8_t *)summary, strlen(summary)}),
                     0);
    assert_null(job);
    was_answered(desk, "{\"id\": {\"n\":7}, \"status\": 4, \"messages\": [\"warning: half of "
                       "\\\"a\\\" is missing\", \"and all of the rest\"], "
                       "\"summary\": {\"packets\": 3}}\n");
    remarks_free(&remarks);
    no_more(desk);
}

static void the_last_line_may_lack_its_end(void **state)
{
    struct desk *desk = *state;
    fputs("\n{\"captures\": [\"a\"], \"out\": \"b\"}\n\n{\"captures\": [\"c\"], \"out\": \"d\"}",
          desk->lines);
    struct job *first = next(desk), *second = next(desk);
    assert_string_equal(job_order(first)->out, "b");
    assert_string_equal(job_order(second)->out, "d");
    no_more(desk);
    job_free(&first);
    job_free(&second);
}

static void a_line_that_orders_nothing_is_answered(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *line, *answer;
    } wrong[] = {
        {"nonsense", "is no JSON object"},
        {"[1]", "is no JSON object"},
        {"{\"id\": 1} {\"id\": 2}", "is no JSON object"},
        {"{\"captures\": [\"a\"]}", "names no \\\"out\\\", the directory of the results"},
        {"{\"captures\": [\"a\"], \"out\": \"\"}",
         "names no \\\"out\\\", the directory of the results"},
        {"{\"out\": \"b\"}", "has no list of \\\"captures\\\", or one that is too long"},
        {"{\"captures\": [], \"out\": \"b\"}",
         "has no list of \\\"captures\\\", or one that is too long"},
        {"{\"captures\": [\"-\"], \"out\": \"b\"}", "has a capture that is no regular file"},
        {"{\"captures\": [7], \"out\": \"b\"}", "has a capture that is no regular file"},
        {"{\"captures\": [\"a\\u0000b\"], \"out\": \"b\"}",
         "has a capture that is no regular file"},
        {"{\"captures\": [\"/dev/null\"], \"out\": \"b\"}",
         "has a capture that is no regular file"},
    };
    enum { WRONG = sizeof wrong / sizeof wrong[0] };
    char want[256 * WRONG] = "";
    for (size_t i = 0; i < WRONG; i++) {
        fprintf(desk->lines, "%s\n", wrong[i].line);
        snprintf(want + strlen(want), sizeof want - strlen(want),
                 "{\"id\": null, \"status\": 2, \"messages\": [\"job %zu %s\"], "
                 "\"summary\": null}\n",
                 i + 1, wrong[i].answer);
    }
    no_more(desk);
    was_answered(desk, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_a_run_and_has_its_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_line_may_lack_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_orders_nothing_is_answered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
