#include "stages/sink/listeners.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <zmq.h>

#define MONITOR "inproc://listeners"

struct listener {
    int fd; /* ZeroMQ's own */
    ino_t inode; /* which connection that is: the number of one that was closed is used again */
    int waiting; /* bytes, by the kernel's count */
    int64_t moved_ns; /* when that was last seen to change, or to be none */
};

struct listeners {
    void *socket;
    void *events; /* of the socket: who connects, and who is gone */
    struct listener *list;
    uint32_t count;
    uint32_t size;
    int64_t moved_ns;
};

static ino_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

/* A listener that there is no memory for is not watched: it is waited for like the others, and
 * counts as gone only with all of them. */
static void add(struct listeners *l, int fd)
{
    ino_t inode = inode_of(fd);
    if (l->count == l->size) {
        uint32_t size = l->size ? 2 * l->size : 8;
        struct listener *list = realloc(l->list, size * sizeof *list);
        if (!list)
            return;
        l->list = list;
        l->size = size;
    }
    if (inode)
        l->list[l->count++] = (struct listener){.fd = fd, .inode = inode};
}

static void take_out(struct listeners *l, uint32_t at)
{
    l->list[at] = l->list[--l->count];
}

/* An event has two frames: a 16-bit kind with a 32-bit value (the descriptor), and the address. */
static void take_event(struct listeners *l, const uint8_t *bytes, size_t length)
{
    uint16_t kind;
    int32_t fd;
    if (length < sizeof kind + sizeof fd)
        return;
    memcpy(&kind, bytes, sizeof kind);
    memcpy(&fd, bytes + sizeof kind, sizeof fd);
    for (uint32_t i = l->count; i-- > 0;)
        if (l->list[i].fd == fd)
            take_out(l, i);
    if (kind == ZMQ_EVENT_ACCEPTED)
        add(l, fd);
}

static void update(struct listeners *l)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, l->events, ZMQ_DONTWAIT) >= 0)
        if (zmq_msg_more(&frame))
            take_event(l, zmq_msg_data(&frame), zmq_msg_size(&frame));
    zmq_msg_close(&frame);
}

struct listeners *listeners_new(void *context, void *socket, int *error)
{
    struct listeners *l = calloc(1, sizeof *l);
    int unbounded = 0; /* ZeroMQ's thread must not wait for us; connections are few */
    *error = -ENOMEM;
    if (!l)
        return NULL;
    l->socket = socket;
    l->events = zmq_socket(context, ZMQ_PAIR);
    if (l->events && zmq_setsockopt(l->events, ZMQ_RCVHWM, &unbounded, sizeof unbounded) == 0 &&
        zmq_socket_monitor(socket, MONITOR, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == 0 &&
        zmq_connect(l->events, MONITOR) == 0) {
        *error = 0;
        return l;
    }
    *error = -errno;
    listeners_free(&l);
    return NULL;
}

uint32_t listeners_count(struct listeners *l)
{
    update(l);
    return l->count;
}

void listeners_wait(struct listeners *l, int64_t now_ns)
{
    update(l);
    l->moved_ns = now_ns;
    for (uint32_t i = 0; i < l->count; i++)
        l->list[i].moved_ns = now_ns;
}

/* ZeroMQ notices as if the other side had hung up, and forgets it. */
static void disconnect(struct listeners *l, uint32_t at)
{
    if (inode_of(l->list[at].fd) == l->list[at].inode)
        shutdown(l->list[at].fd, SHUT_RDWR);
    take_out(l, at);
}

static void look_at(struct listeners *l, struct listener *listener, int64_t now_ns)
{
    int waiting = 0;
    if (ioctl(listener->fd, SIOCOUTQ, &waiting) == 0 && waiting && waiting == listener->waiting)
        return;
    if (waiting)
        l->moved_ns = now_ns;
    listener->waiting = waiting;
    listener->moved_ns = now_ns;
}

uint32_t listeners_look(struct listeners *l, int64_t now_ns, int64_t patience_ns)
{
    uint32_t gone = 0;
    update(l);
    for (uint32_t i = l->count; i-- > 0;) {
        look_at(l, &l->list[i], now_ns);
        if (now_ns - l->list[i].moved_ns < patience_ns)
            continue;
        disconnect(l, i);
        l->moved_ns = now_ns;
        gone++;
    }
    return gone;
}

int64_t listeners_moved(const struct listeners *l)
{
    return l->moved_ns;
}

bool listeners_served(const struct listeners *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->list[i].waiting)
            return false;
    return true;
}

void listeners_free(struct listeners **listeners)
{
    if (!*listeners)
        return;
    zmq_socket_monitor((*listeners)->socket, NULL, 0);
    if ((*listeners)->events)
        zmq_close((*listeners)->events);
    free((*listeners)->list);
    free(*listeners);
    *listeners = NULL;
}
