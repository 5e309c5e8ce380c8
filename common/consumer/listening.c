#include "common/consumer/listening.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/endpoint.h"
#include "common/bus/keys.h"

#define OPTION(field) offsetof(struct listening_options, field)

const struct opt LISTENING_OPTS[] = {
    {"connect", OPT_TEXTS, OPTION(connect), "ENDPOINT", "the tap of a sink", 0, 0},
    {"key", OPT_TEXT, OPTION(key), "FILE",
     "this listener's secret key; TCP beyond this machine needs one (tapline keys)", 0, 0},
    {"tap-key", OPT_TEXTS, OPTION(tap_key), "FILE",
     "the tap's public key; where taps have different ones, as often as --connect", 0, 0},
    {"insecure", OPT_FLAG, OPTION(insecure), NULL, "allow plain TCP beyond this machine", 0, 0},
};
const size_t LISTENING_OPTS_COUNT = sizeof LISTENING_OPTS / sizeof LISTENING_OPTS[0];

static int check(const struct listening_options *o)
{
    if (!o->connect.count)
        log_error("--connect is missing: the endpoint of a tap");
    else if (!o->key != !o->tap_key.count)
        log_error("--key and --tap-key belong together: this side's key, and the tap's");
    else if (o->tap_key.count > 1 && o->tap_key.count != o->connect.count)
        log_error("--tap-key is given once for all taps, or once for each --connect");
    else
        return 0;
    return ERR_USAGE;
}

/* The keys for a tap; where one was given for all it is in force already. */
static int use_keys(struct tapline_consumer *consumer, const struct listening_options *o,
                    size_t tap)
{
    char key[PRESENCE_KEY];
    if (!o->key || tap >= o->tap_key.count)
        return 0;
    int error = tapline_use_keys(consumer, o->key, o->tap_key.list[tap]);
    if (error) { /* of which of the two? */
        bool tap_only = keys_read_public(o->tap_key.list[tap], key) != 0;
        log_error("%s: %s", tap_only ? o->tap_key.list[tap] : o->key,
                  keys_fault(error == -EINVAL ? ERR_USAGE : error));
        return ERR_USAGE;
    }
    return 0;
}

static int connect_to(struct tapline_consumer *consumer, const struct listening_options *o,
                      size_t tap)
{
    const char *endpoint = o->connect.list[tap];
    if (endpoint_check(endpoint, true) != 0)
        return ERR_USAGE;
    bool far = strncmp(endpoint, "tcp://", 6) == 0 && !endpoint_is_near(endpoint);
    if (far && !o->key && !o->insecure) {
        log_error("%s: anybody on that network could read along or send something else; give keys "
                  "(--key, --tap-key), or say --insecure if that is meant", endpoint);
        return ERR_USAGE;
    }
    int error = use_keys(consumer, o, tap);
    if (error)
        return error;
    error = tapline_connect(consumer, endpoint);
    if (error)
        log_error("%s: %s", endpoint, error_text(error));
    return error;
}

struct tapline_consumer *listening_open(const struct listening_options *options, int *error)
{
    *error = check(options);
    struct tapline_consumer *consumer = *error ? NULL : tapline_open(NULL, error);
    for (size_t tap = 0; tap < options->connect.count && !*error; tap++)
        *error = connect_to(consumer, options, tap);
    if (*error)
        tapline_close(&consumer);
    return consumer;
}
