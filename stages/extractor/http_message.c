#include "stages/extractor/http_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/wire/pack.h"

struct http_message {
    struct spares *spares; /* where it goes when it is freed */
    struct http_place place;
    enum http_progress progress;
    struct buffer words;  /* method and target, or status and reason, one behind the other */
    size_t first_length;  /* of the first of the two */
    struct buffer fields; /* packed as the record has them */
    struct body body;
    uint64_t declared; /* the body's length; 0: none, or not declared */
    bool upgrade;      /* there is an Upgrade field, or the method is CONNECT */
    bool websocket;    /* and it names this protocol */
};

enum { STATUS_DIGITS = 3, VERSION = sizeof "HTTP/1.1 " - 1 };

/* Splits "METHOD target HTTP/1.1" or "HTTP/1.1 200 Reason" into its two words. */
static void split_line(enum start_line_kind kind, struct slice line, struct slice words[2])
{
    while (line.length &&
           (line.bytes[line.length - 1] == '\n' || line.bytes[line.length - 1] == '\r'))
        line.length--;
    const uint8_t *end = line.bytes + line.length, *first = line.bytes, *second = end;
    if (kind == START_LINE_STATUS) {
        first = line.bytes + VERSION;
        second = first + STATUS_DIGITS;
        words[0] = (struct slice){first, STATUS_DIGITS};
        second += second < end;
    } else {
        const uint8_t *blank = memchr(first, ' ', line.length);
        words[0] = (struct slice){first, (size_t)(blank - first)};
        second = blank + 1;
        end = memchr(second, ' ', (size_t)(end - second));
    }
    words[1] = (struct slice){second, (size_t)(end - second)};
}

static void drop(void *object)
{
    struct http_message *message = object;
    buffer_free(&message->words);
    buffer_free(&message->fields);
    body_free(&message->body);
    free(message);
}

void http_message_free(struct http_message **message)
{
    if (!*message)
        return;
    body_settle(&(*message)->body);
    spares_put((*message)->spares, *message, drop);
    *message = NULL;
}

/* A message of which nothing is known; what it is used for anew keeps its memory. */
static struct http_message *blank(struct spares *spares)
{
    struct http_message *message = spares_take(spares);
    if (!message)
        return calloc(1, sizeof *message);
    buffer_clear(&message->words);
    buffer_clear(&message->fields);
    body_clear(&message->body);
    *message = (struct http_message){
        .words = message->words, .fields = message->fields, .body = message->body};
    return message;
}

struct http_message *http_message_new(struct spares *spares, enum start_line_kind kind,
                                      struct slice line, const struct http_place *place)
{
    struct http_message *message = blank(spares);
    if (!message)
        return NULL;
    struct slice words[2];
    split_line(kind, line, words);
    message->spares = spares;
    message->place = *place;
    message->first_length = words[0].length;
    buffer_append(&message->words, words[0].bytes, words[0].length);
    buffer_append(&message->words, words[1].bytes, words[1].length);
    if (message->words.failed)
        http_message_free(&message);
    else
        message->upgrade = http_message_method_is(message, "CONNECT");
    return message;
}

static void note_codings(struct http_message *message, const struct http_fields *fields,
                         const char *name)
{
    struct slice value;
    for (size_t at = 0; (value = http_fields_next(fields, name, &at)).bytes;)
        body_note_codings(&message->body, value.bytes, value.length);
}

void http_message_begin_body(struct http_message *message, const struct http_fields *fields,
                             bool has_length, uint64_t length)
{
    note_codings(message, fields, "content-encoding");
    note_codings(message, fields, "transfer-encoding"); /* put on the coded content, hence last */
    message->declared = has_length ? length : 0;
    struct slice upgrade = http_fields_find(fields, "upgrade");
    static const char websocket[] = "websocket";
    message->upgrade = message->upgrade || upgrade.bytes;
    message->websocket = upgrade.length == sizeof websocket - 1 &&
                         strncasecmp((const char *)upgrade.bytes, websocket, upgrade.length) == 0;
}

struct body *http_message_body(struct http_message *message)
{
    return &message->body;
}

int http_message_end(struct http_message *message, enum http_progress how,
                     struct http_fields *fields)
{
    message->progress = how;
    body_settle(&message->body);
    http_fields_pack(fields, &message->fields);
    return message->fields.failed ? -ENOMEM : 0;
}

enum http_progress http_message_progress(const struct http_message *message)
{
    return message->progress;
}

const struct http_place *http_message_place(const struct http_message *message)
{
    return &message->place;
}

bool http_message_complete(const struct http_message *message)
{
    return message->progress == HTTP_ENDED && !body_torn(&message->body);
}

bool http_message_method_is(const struct http_message *message, const char *method)
{
    return message->first_length == strlen(method) &&
           memcmp(message->words.bytes, method, message->first_length) == 0;
}

int http_message_status(const struct http_message *message)
{
    int status = 0;
    for (size_t i = 0; i < message->first_length; i++)
        status = status * 10 + (message->words.bytes[i] - '0');
    return status;
}

bool http_message_asks_switch(const struct http_message *message)
{
    return message->upgrade;
}

bool http_message_is_websocket(const struct http_message *message)
{
    return message->websocket;
}

/* Body bytes that should be in the record and are not (OUTPUTS.md). */
static uint64_t need_length(const struct http_message *message)
{
    uint64_t should = message->declared < BODY_KEPT ? message->declared : BODY_KEPT;
    return should > message->body.came ? should - message->body.came : 0;
}

static const char *const keys[][HTTP_MESSAGE_KEYS] = {
    [START_LINE_REQUEST] = {"req_time", "req_method", "req_uri", "req_need_length", "req_headers",
                            "req_body", "req_data"},
    [START_LINE_STATUS] = {"res_time", "res_status", "res_reason", "res_need_length", "res_headers",
                           "res_body", "res_data"},
};

/* Only the reserved key has a value of its own where there was no message. */
static void pack_unseen(const char *const key[], struct buffer *to)
{
    for (int i = 0; i < HTTP_MESSAGE_KEYS - 1; i++) {
        pack_str(to, key[i]);
        pack_nil(to);
    }
    pack_str(to, key[HTTP_MESSAGE_KEYS - 1]);
    pack_str(to, "");
}

void http_message_pack(const struct http_message *message, enum start_line_kind kind,
                       struct buffer *to)
{
    const char *const *key = keys[kind];
    if (!message) {
        pack_unseen(key, to);
        return;
    }
    const struct buffer *words = &message->words;
    pack_str(to, *key++);
    pack_time(to, message->place.time_ns);
    pack_str(to, *key++);
    pack_text(to, words->bytes, message->first_length);
    pack_str(to, *key++);
    pack_text(to, words->bytes + message->first_length, words->length - message->first_length);
    pack_str(to, *key++);
    pack_uint(to, need_length(message));
    pack_str(to, *key++);
    buffer_append(to, message->fields.bytes, message->fields.length);
    pack_str(to, *key++);
    pack_text(to, message->body.kept.bytes, message->body.kept.length);
    pack_str(to, *key++);
    pack_str(to, "");
}
