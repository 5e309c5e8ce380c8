#include "stages/reader/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/jsonw.h"

/* A line may be so long, and so many files may stand in it. */
enum { LINE_MAX_BYTES = 1 << 20, CAPTURES_MAX = 10000, CHUNK = 64 * 1024 };

struct jobs {
    int lines;
    int answers;
    bool ended;
    uint64_t line; /* number of the one that was taken last */
    struct buffer ahead; /* what was read and not taken yet */
};

struct job {
    struct json_object *document;
    struct run_order order;
    const char **paths;
};

struct jobs *jobs_open(const char *path, int answers, int *error)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    *error = -ENOMEM;
    if (!jobs)
        return NULL;
    jobs->answers = answers;
    jobs->lines = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                         : open(path, O_RDONLY | O_CLOEXEC);
    *error = jobs->lines < 0 ? -errno : 0;
    if (*error)
        jobs_free(&jobs);
    return jobs;
}

void jobs_free(struct jobs **jobs)
{
    if (!*jobs)
        return;
    if ((*jobs)->lines >= 0)
        close((*jobs)->lines);
    buffer_free(&(*jobs)->ahead);
    free(*jobs);
    *jobs = NULL;
}

int jobs_descriptor(const struct jobs *jobs)
{
    return jobs->lines;
}

const struct run_order *job_order(const struct job *job)
{
    return &job->order;
}

void job_free(struct job **job)
{
    if (!*job)
        return;
    json_object_put((*job)->document);
    free((*job)->paths);
    free(*job);
    *job = NULL;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* Reads what has come. */
static int read_on(struct jobs *jobs)
{
    struct pollfd here = {.fd = jobs->lines, .events = POLLIN};
    if (jobs->ended)
        return ERR_EOF;
    if (jobs->ahead.length > LINE_MAX_BYTES)
        return ERR_LIMIT;
    int ready = poll(&here, 1, 0);
    if (ready <= 0)
        return ready == 0 || errno == EINTR ? ERR_AGAIN : -errno;
    uint8_t *room = buffer_reserve(&jobs->ahead, CHUNK);
    if (!room)
        return -ENOMEM;
    ssize_t got = read(jobs->lines, room, CHUNK);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? ERR_AGAIN : -errno;
    jobs->ahead.length += (size_t)got;
    jobs->ended = got == 0;
    return 0;
}

/* The next line, which stays until `ahead` is read on, and how long it is; the last one may do
 * without a line feed. */
static int next_line(struct jobs *jobs, size_t *length)
{
    for (;;) {
        const uint8_t *end = jobs->ahead.length
                                 ? memchr(jobs->ahead.bytes, '\n', jobs->ahead.length)
                                 : NULL;
        if (end || (jobs->ended && jobs->ahead.length)) {
            *length = end ? (size_t)(end - jobs->ahead.bytes) : jobs->ahead.length;
            jobs->line++;
            return 0;
        }
        int error = read_on(jobs);
        if (error)
            return error;
    }
}

/* ---- one job ------------------------------------------------------------------------------ */

static const char *text_of(struct json_object *value)
{
    const char *text = json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value) : NULL;
    bool whole = text && strlen(text) == (size_t)json_object_get_string_len(value);
    return whole && *text ? text : NULL;
}

/* One that cannot be opened is told when it is read. But others would have to wait for a pipe. */
static bool may_be_read(const char *path)
{
    struct stat status;
    return strcmp(path, "-") != 0 && (stat(path, &status) != 0 || S_ISREG(status.st_mode));
}

/* Fills the order from the document; what is wrong with it, or NULL. */
static const char *read_order(struct job *job)
{
    struct json_object *captures = NULL, *out = NULL;
    if (!json_object_is_type(job->document, json_type_object))
        return "is no JSON object";
    json_object_object_get_ex(job->document, "captures", &captures);
    json_object_object_get_ex(job->document, "out", &out);
    job->order.out = text_of(out);
    if (!job->order.out)
        return "names no \"out\", the directory of the results";
    size_t count = json_object_is_type(captures, json_type_array)
                       ? json_object_array_length(captures) : 0;
    if (!count || count > CAPTURES_MAX)
        return "has no list of \"captures\", or one that is too long";
    job->paths = calloc(count, sizeof *job->paths);
    if (!job->paths)
        return "finds no memory";
    for (size_t i = 0; i < count; i++) {
        job->paths[i] = text_of(json_object_array_get_idx(captures, i));
        if (!job->paths[i] || !may_be_read(job->paths[i]))
            return "has a capture that is no regular file";
    }
    job->order.paths = job->paths;
    job->order.count = count;
    return NULL;
}

static struct job *job_from(const uint8_t *line, size_t length)
{
    struct job *job = calloc(1, sizeof *job);
    struct json_tokener *tokener = json_tokener_new();
    if (job && tokener) {
        job->document = json_tokener_parse_ex(tokener, (const char *)line, (int)length);
        if (json_tokener_get_error(tokener) != json_tokener_success ||
            json_tokener_get_parse_end(tokener) != length) {
            json_object_put(job->document);
            job->document = NULL;
        }
    } else {
        free(job);
        job = NULL;
    }
    if (tokener)
        json_tokener_free(tokener);
    return job;
}

/* The line's job; one that orders nothing is answered at once. */
static struct job *take(struct jobs *jobs, const uint8_t *line, size_t length, int *error)
{
    struct job *job = job_from(line, length);
    *error = job ? 0 : -ENOMEM;
    const char *wrong = job ? read_order(job) : NULL;
    if (wrong) {
        struct remarks remarks = {.kept = true};
        remark(&remarks, LOG_ERROR, "job %llu %s", (unsigned long long)jobs->line, wrong);
        *error = jobs_answer(jobs, &job, EXIT_WRONG_USE, &remarks, (struct slice){0});
        remarks_free(&remarks);
    }
    return job;
}

struct job *jobs_next(struct jobs *jobs, int *error)
{
    struct job *job = NULL;
    while (!job) {
        size_t length;
        *error = next_line(jobs, &length);
        if (*error)
            return NULL;
        if (length)
            job = take(jobs, jobs->ahead.bytes, length, error);
        buffer_consume(&jobs->ahead, length + 1);
        if (*error)
            return NULL;
    }
    return job;
}

/* ---- answers ------------------------------------------------------------------------------ */

static int write_all(int file, const uint8_t *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = write(file, bytes, length);
        if (wrote < 0)
            return errno == EINTR ? ERR_STOPPED : -errno;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

int jobs_answer(struct jobs *jobs, struct job **job, enum exit_status status,
                const struct remarks *remarks, struct slice summary)
{
    struct buffer text = {0};
    struct jsonw w = jsonw_to(&text);
    struct json_object *id = NULL;
    json_object_object_get_ex((*job)->document, "id", &id);
    const char *shown = json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN);
    jsonw_open_object(&w);
    jsonw_key(&w, "id");
    jsonw_raw(&w, shown, strlen(shown));
    jsonw_key(&w, "status");
    jsonw_uint(&w, status);
    jsonw_key(&w, "messages");
    remarks_write(remarks, &w);
    jsonw_key(&w, "summary");
    if (summary.length)
        jsonw_raw(&w, summary.bytes, summary.length);
    else
        jsonw_null(&w);
    jsonw_close_object(&w);
    buffer_append(&text, "\n", 1);
    int error = text.failed ? -ENOMEM : write_all(jobs->answers, text.bytes, text.length);
    buffer_free(&text);
    job_free(job);
    return error;
}
