/*
 * Where messages come in: one PULL socket, bound.
 */
#ifndef TAPLINE_COMMON_INBOX_H
#define TAPLINE_COMMON_INBOX_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/bus/borrowing.h"
#include "common/bus/bus.h"
#include "common/wire/message.h"

struct inbox;

/** One message that came: its head, and its body as bytes that live until message_release. */
struct message {
    struct message_head head;
    struct unpack body;
    zmq_msg_t held;
    struct loan loan; /* where it lies in its sender's memory */
};

/**
 * Binds an inbox. `endpoint` may leave the TCP port to the system ("tcp://127.0.0.1:*").
 * `keyed_by` are the options that would give it keys, for who lacks them (bus_accepts). `waiting`
 * is its high-water mark: how many messages of each sender may wait in it.
 * NULL, with *error set and a line on stderr, where it cannot be bound.
 */
struct inbox *inbox_new(const struct bus *bus, const char *endpoint, const char *keyed_by,
                        int waiting, int *error);

/** The endpoint that others reach it under. */
const char *inbox_endpoint(const struct inbox *inbox);

/** The socket, to wait on. */
void *inbox_socket(const struct inbox *inbox);

/** Takes the next message without waiting: 0 (release it later), ERR_AGAIN where there is none.
 *  What is no message of ours is counted (vitals.h), said once in a while, and passed over. */
int inbox_receive(struct inbox *inbox, struct message *message);

/** Gives a received message back. */
void message_release(struct message *message);

/** Lets go of memory that messages lay in whose senders are gone. No message may be held. */
void inbox_sweep(struct inbox *inbox);

/** Closes it, and removes the file of an ipc:// one. NULLs the caller's pointer, and accepts NULL
 *  in it. */
void inbox_free(struct inbox **inbox);

#endif
