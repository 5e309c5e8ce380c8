#include "common/bus/member.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/endpoint.h"
#include "common/bus/keys.h"
#include "common/bus/pulse.h"

enum { CONTROL_WAITING = 1000 };

struct member {
    const struct stage_options *options;
    struct bus *bus;
    struct inbox *data;
    struct inbox *control;
    struct pulse *pulse;
    struct presence presence; /* as it is announced */
    char lobby_key[PRESENCE_KEY]; /* "": none is known */
};

/* Keys, where there are some; and the lobby's, which whoever joins has to know beforehand. */
static int secure(struct member *member)
{
    const struct stage_options *o = member->options;
    int error = bus_secure(member->bus, o->key, o->allow, o->insecure);
    if (error || !o->lobby_key)
        return error;
    error = keys_read_public(o->lobby_key, member->lobby_key);
    if (error)
        log_error("%s: %s", o->lobby_key,
                  error == ERR_USAGE ? "holds no public key" : error_text(error));
    return error;
}

/* Has the lifeline ended already? Whoever started this process has given up, and the folder of its
 * sockets may be gone. */
static bool is_forsaken(const struct stage_options *options)
{
    struct pollfd lifeline = {.fd = (int)options->lifeline, .events = POLLIN};
    return options->lifeline && poll(&lifeline, 1, 0) > 0;
}

/* Binds one of the inboxes; `shown` becomes where others reach it. */
static int open_inbox(struct member *member, enum endpoint_inbox which, int waiting,
                      struct inbox **inbox, char shown[PRESENCE_ENDPOINT])
{
    const struct stage_options *o = member->options;
    char endpoint[PRESENCE_ENDPOINT];
    int error = endpoint_of(o->inbox, o->join, member->presence.name, which, endpoint);
    if (!error)
        *inbox = inbox_new(member->bus, endpoint, "--key, --allow, --lobby-key", waiting, &error);
    return error ? error : endpoint_advertised(o->advertise, inbox_endpoint(*inbox), which, shown);
}

static int open_inboxes(struct member *member)
{
    const struct stage_options *o = member->options;
    int error;
    if (is_forsaken(o))
        return ERR_STOPPED;
    if (member->presence.role == TAPLINE_LOBBY) {
        member->control = inbox_new(member->bus, o->join, "--key, --allow", CONTROL_WAITING,
                                    &error);
        return error;
    }
    error = open_inbox(member, ENDPOINT_DATA, stage_options_waiting(o), &member->data,
                       member->presence.data);
    return error ? error
                 : open_inbox(member, ENDPOINT_CONTROL, CONTROL_WAITING, &member->control,
                              member->presence.control);
}

static int start_pulse(struct member *member)
{
    const struct stage_options *o = member->options;
    struct pulse_options options = {
        .lobby = member->presence.role == TAPLINE_LOBBY ? NULL : o->join,
        .lobby_key = member->lobby_key,
        .presence = member->presence,
        .lifeline = (int)o->lifeline,
    };
    options.presence.realm = bus_realm(member->bus);
    snprintf(options.presence.key, sizeof options.presence.key, "%s", bus_key(member->bus));
    int error;
    member->pulse = pulse_new(member->bus, &options, &error);
    return error;
}

static int join(struct member *member)
{
    const struct stage_options *o = member->options;
    char *name = member->presence.name;
    int error;
    if (o->name)
        snprintf(name, sizeof member->presence.name, "%s", o->name);
    else
        endpoint_name(o->join, role_name(member->presence.role), name);
    member->bus = bus_new(&error);
    if (!error)
        error = secure(member);
    if (!error)
        error = open_inboxes(member);
    return error ? error : start_pulse(member);
}

struct member *member_new(enum tapline_role role, const struct stage_options *options, int *error)
{
    struct member *member = calloc(1, sizeof *member);
    *error = -ENOMEM;
    if (!member)
        return NULL;
    member->options = options;
    member->presence.role = role;
    *error = join(member);
    if (*error)
        member_free(&member);
    return member;
}

const struct bus *member_bus(const struct member *member)
{
    return member->bus;
}

const char *member_name(const struct member *member)
{
    return member->presence.name;
}

struct inbox *member_data(const struct member *member)
{
    return member->data;
}

const char *member_endpoint(const struct member *member)
{
    return member->presence.control;
}

struct inbox *member_control(const struct member *member)
{
    return member->control;
}

bool member_by_lobby(const struct member *member, const struct message_head *head)
{
    return !member->lobby_key[0] || !head->proved || strcmp(member->lobby_key, head->proved) == 0;
}

void member_reached(struct member *member)
{
    pulse_reached(member->pulse);
}

void member_leave(struct member *member)
{
    pulse_leave(member->pulse);
}

void member_free(struct member **member)
{
    struct member *m = *member;
    if (!m)
        return;
    pulse_free(&m->pulse);
    inbox_free(&m->data);
    inbox_free(&m->control);
    bus_free(&m->bus);
    if (m->options->lifeline)
        endpoint_leave(m->options->join);
    free(m);
    *member = NULL;
}
