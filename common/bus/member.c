#include "common/bus/member.h"

#include <errno.h>
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
    enum tapline_role role;
    struct bus *bus;
    struct inbox *data;
    struct inbox *control;
    struct pulse *pulse;
    char name[PRESENCE_NAME];
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

static int open_inbox(struct member *member, const char *which, int waiting, struct inbox **inbox)
{
    const struct stage_options *o = member->options;
    char endpoint[PRESENCE_ENDPOINT];
    int error = endpoint_of(o->inbox, o->join, member->name, which, endpoint);
    if (!error)
        *inbox = inbox_new(member->bus, endpoint, waiting, &error);
    return error;
}

static int open_inboxes(struct member *member)
{
    const struct stage_options *o = member->options;
    int error;
    if (member->role == TAPLINE_LOBBY) {
        member->control = inbox_new(member->bus, o->join, CONTROL_WAITING, &error);
        return error;
    }
    error = open_inbox(member, "data", stage_options_waiting(o), &member->data);
    return error ? error : open_inbox(member, "control", CONTROL_WAITING, &member->control);
}

static int start_pulse(struct member *member)
{
    const struct stage_options *o = member->options;
    struct pulse_options options = {
        .lobby = member->role == TAPLINE_LOBBY ? NULL : o->join,
        .lobby_key = member->lobby_key,
        .presence.role = member->role,
        .lifeline = (int)o->lifeline,
    };
    struct presence *presence = &options.presence;
    snprintf(presence->key, sizeof presence->key, "%s", bus_key(member->bus));
    snprintf(presence->name, sizeof presence->name, "%s", member->name);
    if (member->data)
        snprintf(presence->data, sizeof presence->data, "%s", inbox_endpoint(member->data));
    snprintf(presence->control, sizeof presence->control, "%s", inbox_endpoint(member->control));
    int error;
    member->pulse = pulse_new(member->bus, &options, &error);
    return error;
}

static int join(struct member *member)
{
    const struct stage_options *o = member->options;
    int error;
    if (o->name)
        snprintf(member->name, sizeof member->name, "%s", o->name);
    else
        endpoint_name(o->join, role_name(member->role), member->name);
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
    member->role = role;
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
    return member->name;
}

struct inbox *member_data(const struct member *member)
{
    return member->data;
}

struct inbox *member_control(const struct member *member)
{
    return member->control;
}

bool member_by_lobby(const struct member *member, const struct message_head *head)
{
    return !member->lobby_key[0] || !head->proved || strcmp(member->lobby_key, head->proved) == 0;
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
