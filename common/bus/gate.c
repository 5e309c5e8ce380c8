#include "common/bus/gate.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/keys.h"

/* The frames of a question: version, request, domain, address, identity, mechanism, credentials. */
enum { VERSION, REQUEST, DOMAIN_NAME, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };
enum { FRAME_MAX = 256, KEY_BYTES = 32 };

struct gate {
    const char *folder;
    void *socket;
    int stop[2]; /* a pipe whose end stops the thread */
    pthread_t thread;
};

struct frame_text {
    uint8_t bytes[FRAME_MAX];
    size_t length;
};

static bool is_public_key_file(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".pub") == 0;
}

/* Is this key in the folder? */
static bool lists(const char *folder, const char *key)
{
    DIR *directory = folder ? opendir(folder) : NULL;
    bool listed = false;
    if (!directory)
        return false;
    for (struct dirent *entry; !listed && (entry = readdir(directory));) {
        char path[PATH_MAX], there[PRESENCE_KEY];
        if (!is_public_key_file(entry->d_name) ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            continue;
        listed = keys_read_public(path, there) == 0 && strcmp(there, key) == 0;
    }
    closedir(directory);
    return listed;
}

/* Takes a whole question; how many frames it had, of which the first FRAMES are kept. */
static int receive(void *socket, struct frame_text frames[FRAMES])
{
    int count = 0, more = 1;
    size_t size = sizeof more;
    while (more) {
        struct frame_text spare, *frame = count < FRAMES ? &frames[count] : &spare;
        int length = zmq_recv(socket, frame->bytes, FRAME_MAX, ZMQ_DONTWAIT);
        if (length < 0)
            return 0;
        frame->length = length < FRAME_MAX ? (size_t)length : 0;
        count++;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return count;
}

static bool admitted(const struct gate *gate, const struct frame_text frames[FRAMES],
                     char key[PRESENCE_KEY])
{
    const struct frame_text *mechanism = &frames[MECHANISM];
    if (mechanism->length != 5 || memcmp(mechanism->bytes, "CURVE", 5) != 0 ||
        frames[CREDENTIALS].length != KEY_BYTES ||
        !zmq_z85_encode(key, frames[CREDENTIALS].bytes, KEY_BYTES))
        return false;
    return lists(gate->folder, key);
}

static void answer(const struct gate *gate)
{
    struct frame_text frames[FRAMES];
    char key[PRESENCE_KEY] = "";
    int count = receive(gate->socket, frames);
    if (!count)
        return;
    bool yes = count == FRAMES && admitted(gate, frames, key);
    if (!yes)
        log_info("a connection from %.*s was refused: the key %s is not on the list",
                 count > ADDRESS ? (int)frames[ADDRESS].length : 0,
                 (const char *)frames[ADDRESS].bytes, *key ? key : "(none)");
    zmq_send(gate->socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(gate->socket, frames[REQUEST].bytes, count > REQUEST ? frames[REQUEST].length : 0,
             ZMQ_SNDMORE);
    zmq_send(gate->socket, yes ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(gate->socket, "", 0, ZMQ_SNDMORE);
    zmq_send(gate->socket, key, yes ? strlen(key) : 0, ZMQ_SNDMORE); /* the User-Id of messages */
    zmq_send(gate->socket, "", 0, 0);
}

static void *run(void *context)
{
    struct gate *gate = context;
    zmq_pollitem_t items[] = {{.socket = gate->socket, .events = ZMQ_POLLIN},
                              {.fd = gate->stop[0], .events = ZMQ_POLLIN}};
    while (zmq_poll(items, 2, -1) >= 0 || errno == EINTR) {
        if (items[1].revents)
            break;
        if (items[0].revents)
            answer(gate);
    }
    zmq_close(gate->socket);
    return NULL;
}

static int start(struct gate *gate, void *context)
{
    if (pipe(gate->stop) != 0)
        return -errno;
    gate->socket = zmq_socket(context, ZMQ_REP);
    if (!gate->socket || zmq_bind(gate->socket, "inproc://zeromq.zap.01") != 0)
        return -errno;
    sigset_t all, before; /* signals are the first thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = -pthread_create(&gate->thread, NULL, run, gate);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void release(struct gate *gate)
{
    for (int i = 0; i < 2; i++)
        if (gate->stop[i] >= 0)
            close(gate->stop[i]);
    free(gate);
}

struct gate *gate_new(void *context, const char *folder, int *error)
{
    struct gate *gate = calloc(1, sizeof *gate);
    *error = -ENOMEM;
    if (!gate)
        return NULL;
    gate->folder = folder;
    gate->stop[0] = gate->stop[1] = -1;
    *error = start(gate, context);
    if (!*error)
        return gate;
    if (gate->socket)
        zmq_close(gate->socket);
    release(gate);
    return NULL;
}

void gate_free(struct gate **gate)
{
    if (!*gate)
        return;
    close((*gate)->stop[1]);
    (*gate)->stop[1] = -1;
    pthread_join((*gate)->thread, NULL);
    release(*gate);
    *gate = NULL;
}
