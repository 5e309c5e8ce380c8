#include "common/bus/attempts.h"

#include <errno.h>
#include <stdlib.h>

/* How many captures that are over are remembered: their readers are gone long before the last of
 * these is overwritten. */
enum { RELEASED = 256 };

struct attempts {
    void (*end)(void **core);
    struct session **sessions;
    uint32_t count;
    struct {
        uint64_t capture, attempt;
    } released[RELEASED]; /* a ring */
    uint32_t next;
};

struct attempts *attempts_new(void (*end)(void **core))
{
    struct attempts *attempts = calloc(1, sizeof *attempts);
    if (attempts)
        attempts->end = end;
    return attempts;
}

struct session *attempts_find(const struct attempts *attempts, uint64_t capture, uint64_t attempt)
{
    for (uint32_t i = 0; i < attempts->count; i++)
        if (session_is(attempts->sessions[i], capture, attempt))
            return attempts->sessions[i];
    return NULL;
}

bool attempts_over(const struct attempts *attempts, uint64_t capture, uint64_t attempt)
{
    for (uint32_t i = 0; i < attempts->count; i++) {
        const struct capture *known = session_capture(attempts->sessions[i]);
        if (known->id == capture && known->attempt > attempt)
            return true;
    }
    for (uint32_t i = 0; i < RELEASED; i++)
        if (attempts->released[i].capture == capture && attempts->released[i].attempt >= attempt)
            return true;
    return false;
}

int attempts_add(struct attempts *attempts, struct session *session)
{
    struct session **grown =
        realloc(attempts->sessions, (attempts->count + 1) * sizeof *attempts->sessions);
    if (!grown) {
        session_free(&session);
        return -ENOMEM;
    }
    attempts->sessions = grown;
    attempts->sessions[attempts->count++] = session;
    return 0;
}

uint32_t attempts_count(const struct attempts *attempts)
{
    return attempts->count;
}

struct session *attempts_at(const struct attempts *attempts, uint32_t at)
{
    return attempts->sessions[at];
}

void attempts_fail(struct attempts *attempts, struct session *session)
{
    void *core = session_core(session);
    session_fail(session);
    if (core && attempts->end)
        attempts->end(&core);
}

void attempts_release(struct attempts *attempts, uint64_t capture, uint64_t attempt)
{
    attempts->released[attempts->next].capture = capture;
    attempts->released[attempts->next].attempt = attempt;
    attempts->next = (attempts->next + 1) % RELEASED;
    for (uint32_t i = attempts->count; i-- > 0;) {
        struct session *session = attempts->sessions[i];
        const struct capture *known = session_capture(session);
        if (known->id != capture || known->attempt > attempt)
            continue;
        attempts->sessions[i] = attempts->sessions[--attempts->count];
        attempts_fail(attempts, session);
        session_free(&session);
    }
}

void attempts_free(struct attempts **attempts)
{
    if (!*attempts)
        return;
    while ((*attempts)->count) {
        struct session *session = (*attempts)->sessions[--(*attempts)->count];
        attempts_fail(*attempts, session);
        session_free(&session);
    }
    free((*attempts)->sessions);
    free(*attempts);
    *attempts = NULL;
}
