#include "stages/lobby/query.h"

#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/opts.h"
#include "common/bus/endpoint.h"
#include "common/bus/inbox.h"
#include "common/bus/keys.h"
#include "common/bus/link.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

enum { WAITING = 4, ANSWER_MS = 5000 };

/* Workers are heard of every second; who has missed two of these may be in trouble. */
#define SILENT_NS (INT64_C(2500) * 1000000)

/* What the command is told. */
struct asking {
    const char *lobby;     /* endpoint */
    const char *inbox;     /* these are as in struct stage_options */
    const char *advertise;
    const char *key;
    const char *allow;
    const char *lobby_key;
    bool insecure;
};

#define OPTION(field) offsetof(struct asking, field)

static const struct opt OPTS[] = {
    {"query", OPT_TEXT, OPTION(lobby), "ENDPOINT", "the lobby that is asked", 0, 0},
    {"inbox", OPT_TEXT, OPTION(inbox), "ENDPOINT",
     "where the answer is to come in (tcp://ADDRESS:*)", 0, 0},
    {"advertise", OPT_TEXT, OPTION(advertise), "ENDPOINT",
     "where the lobby reaches that, if elsewhere (tcp://HOST)", 0, 0},
    {"key", OPT_TEXT, OPTION(key), "FILE", "the secret key to ask with", 0, 0},
    {"allow", OPT_TEXT, OPTION(allow), "DIR", "the public keys of who may answer", 0, 0},
    {"lobby-key", OPT_TEXT, OPTION(lobby_key), "FILE", "the lobby's public key", 0, 0},
    {"insecure", OPT_FLAG, OPTION(insecure), NULL, "allow plain TCP beyond loopback", 0, 0},
};

int query_answer(const struct lobby *lobby, const struct bus *bus, struct unpack *body,
                 int64_t now_ns)
{
    char endpoint[PRESENCE_ENDPOINT], key[PRESENCE_KEY];
    unpack_array_of(body, 2);
    presence_text(body, endpoint, sizeof endpoint);
    presence_text(body, key, sizeof key);
    if (body->error)
        return body->error;
    int error;
    struct link *link = link_new(bus, endpoint, key, WAITING, &error);
    if (!link)
        return error;
    struct message_head head = {.kind = TAPLINE_STATUS};
    struct buffer message = {0};
    message_open(&message);
    lobby_status(lobby, now_ns, &message);
    link_send(link, &head, &message, 0);
    buffer_free(&message);
    link_free(&link, LINK_LINGER_MS);
    return 0;
}

/* ---- what is printed ---------------------------------------------------------------------- */

static void add_text(struct json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, json_object_new_string(text));
}

/* Figures that are neither a number nor a text have no meaning yet, and are passed over. */
static void add_figures(struct json_object *to, struct unpack *from)
{
    uint32_t count = unpack_map(from);
    for (uint32_t i = 0; i < count && !from->error; i++) {
        char key[PRESENCE_NAME];
        presence_text(from, key, sizeof key);
        if (unpack_type(from) == UNPACK_INT) {
            json_object_object_add(to, key, json_object_new_int64(unpack_int(from)));
        } else if (unpack_type(from) == UNPACK_STR) {
            struct slice text = unpack_str(from);
            json_object_object_add(
                to, key, json_object_new_string_len((const char *)text.bytes, (int)text.length));
        } else {
            unpack_skip(from);
        }
    }
}

static const char *state(const struct presence *presence, int64_t silent_ns)
{
    if (silent_ns > SILENT_NS)
        return "silent";
    if (presence->state == TAPLINE_COMING)
        return "coming";
    return presence->state == TAPLINE_HERE ? "up" : "leaving";
}

static struct json_object *row(struct unpack *from)
{
    struct presence presence;
    struct json_object *object = json_object_new_object();
    uint32_t fields = unpack_array_of(from, 3);
    presence_unpack(from, &presence);
    int64_t silent_ns = unpack_int(from);
    if (from->error)
        return object;
    add_text(object, "role", role_name(presence.role));
    add_text(object, "name", presence.name);
    add_text(object, "state", state(&presence, silent_ns));
    add_text(object, "data", presence.data);
    add_text(object, "control", presence.control);
    add_text(object, "key", presence.key);
    json_object_object_add(object, "silent_ns", json_object_new_int64(silent_ns));
    add_figures(object, from);
    unpack_skip_many(from, fields - 3);
    return object;
}

static const char *text_of(struct json_object *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

static int by_role_and_name(const void *a, const void *b)
{
    struct json_object *const *x = a, *const *y = b;
    int roles = strcmp(text_of(*x, "role"), text_of(*y, "role"));
    return roles ? roles : strverscmp(text_of(*x, "name"), text_of(*y, "name"));
}

static int print(struct unpack *from)
{
    struct json_object *rows = json_object_new_array();
    uint32_t count = unpack_array(from);
    for (uint32_t i = 0; i < count && !from->error; i++) {
        struct json_object *object = row(from);
        if (from->error)
            json_object_put(object);
        else
            json_object_array_add(rows, object);
    }
    json_object_array_sort(rows, by_role_and_name);
    if (!from->error)
        puts(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(rows);
    return from->error;
}

/* ---- the command -------------------------------------------------------------------------- */

static int ask(const struct bus *bus, const struct asking *asking, const char *lobby_key,
               const char *answer)
{
    int error;
    struct link *link = link_new(bus, asking->lobby, lobby_key, WAITING, &error);
    if (!link)
        return error;
    struct message_head head = {.kind = TAPLINE_QUERY};
    struct buffer message = {0};
    message_open(&message);
    pack_array(&message, 2);
    pack_str(&message, answer);
    pack_str(&message, bus_key(bus));
    error = link_send(link, &head, &message, ANSWER_MS);
    buffer_free(&message);
    link_free(&link, LINK_LINGER_MS);
    return error;
}

static int wait_for_answer(struct inbox *inbox)
{
    struct message message;
    zmq_pollitem_t item = {.socket = inbox_socket(inbox), .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, ANSWER_MS) <= 0 || inbox_receive(inbox, &message) != 0)
        return ERR_AGAIN;
    int error = message.head.kind == TAPLINE_STATUS ? print(&message.body) : ERR_MALFORMED;
    message_release(&message);
    return error;
}

/* The lobby's key as it has to prove it; "": none is known. */
static int read_lobby_key(const char *file, char key[PRESENCE_KEY])
{
    int error = file ? keys_read_public(file, key) : 0;
    if (!error)
        return 0;
    log_error("%s: %s", file, error == ERR_USAGE ? "holds no public key" : error_text(error));
    return ERR_USAGE;
}

static int query(const struct asking *asking)
{
    char endpoint[PRESENCE_ENDPOINT], answer[PRESENCE_ENDPOINT], lobby_key[PRESENCE_KEY] = "";
    struct inbox *inbox = NULL;
    int error;
    struct bus *bus = bus_new(&error);
    if (!error)
        error = bus_secure(bus, asking->key, asking->allow, asking->insecure);
    if (!error)
        error = read_lobby_key(asking->lobby_key, lobby_key);
    if (!error)
        error = endpoint_of(asking->inbox, asking->lobby, "query", ENDPOINT_CONTROL, endpoint);
    if (!error)
        inbox = inbox_new(bus, endpoint, "--key, --allow, --lobby-key", WAITING, &error);
    if (!error)
        error = endpoint_advertised(asking->advertise, inbox_endpoint(inbox), ENDPOINT_CONTROL,
                                    answer);
    if (!error)
        error = ask(bus, asking, lobby_key, answer);
    if (!error)
        error = wait_for_answer(inbox);
    inbox_free(&inbox);
    bus_free(&bus);
    return error;
}

int query_command(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-lobby --query ENDPOINT [options]",
        "Prints who is there, and what they have counted, as JSON.",
    };
    struct asking asking = {0};
    const struct opt_set sets[] = {{OPTS, sizeof OPTS / sizeof OPTS[0], &asking}};
    enum opt_outcome outcome = opts_parse(&usage, sets, 1, argc, argv, NULL);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    int error = query(&asking);
    if (error == ERR_AGAIN)
        log_error("%s: no lobby answered within %d seconds", asking.lobby, ANSWER_MS / 1000);
    else if (error && error != ERR_USAGE) /* that was said where it was seen */
        log_error("%s: %s", asking.lobby, error_text(error));
    return error_exit(error);
}
