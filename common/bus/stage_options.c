#include "common/bus/stage_options.h"

#include <stddef.h>

const struct stage_options STAGE_OPTIONS_DEFAULT = {
    .batch = 1024 * 1024,
    .queue = 16 * 1024 * 1024,
    .stall_ns = INT64_C(300) * 1000000000,
};

enum { MOST_WAITING = 100000, NS_PER_MS = 1000000 };

#define OPTION(field) offsetof(struct stage_options, field)

const struct opt STAGE_OPTS[] = {
    {"join", OPT_TEXT, OPTION(join), "ENDPOINT", "the lobby of the pipeline to join", 0, 0},
    {"key", OPT_TEXT, OPTION(key), "FILE",
     "this process's secret key; TCP beyond this machine needs one (tapline keys)", 0, 0},
    {"allow", OPT_TEXT, OPTION(allow), "DIR", "the public keys (NAME.pub) of who may connect", 0,
     0},
    {"lifeline", OPT_COUNT, OPTION(lifeline), "FD",
     "end when this descriptor reaches its end: whoever holds the other side is gone", 0, 65535},
    {"insecure", OPT_FLAG, OPTION(insecure), NULL, "allow plain TCP beyond loopback", 0, 0},
    {"verbose", OPT_FLAG, OPTION(verbose), NULL, "say more", 0, 0},
};

const size_t STAGE_OPTS_COUNT = sizeof STAGE_OPTS / sizeof STAGE_OPTS[0];

const struct opt WORKER_OPTS[] = {
    {"inbox", OPT_TEXT, OPTION(inbox), "ENDPOINT",
     "where this worker's inboxes are bound: ipc:// prefix, tcp://ADDRESS:* or tcp://ADDRESS:PORT "
     "(and the next one)", 0, 0},
    {"advertise", OPT_TEXT, OPTION(advertise), "ENDPOINT",
     "where others reach them, if elsewhere: tcp://HOST, or tcp://HOST:PORT (and the next one)", 0,
     0},
    {"lobby-key", OPT_TEXT, OPTION(lobby_key), "FILE", "the lobby's public key", 0, 0},
    {"name", OPT_TEXT, OPTION(name), "NAME",
     "what this worker is called; of two with one name the later one counts", 0, 0},
    {"batch", OPT_SIZE, OPTION(batch), "BYTES", "size at which a batch leaves", 1024, 1u << 26},
    {"queue", OPT_SIZE, OPTION(queue), "BYTES", "what may wait on one link, at each end",
     1024, UINT64_C(1) << 34},
    {"stall", OPT_DURATION, OPTION(stall_ns), "SECONDS",
     "how long a worker that is there may take nothing before it counts as lost", NS_PER_MS, 0},
};

const size_t WORKER_OPTS_COUNT = sizeof WORKER_OPTS / sizeof WORKER_OPTS[0];

int stage_options_waiting(const struct stage_options *options)
{
    uint64_t messages = options->queue / options->batch;
    return messages < 2 ? 2 : messages > MOST_WAITING ? MOST_WAITING : (int)messages;
}
