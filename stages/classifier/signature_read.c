#include "stages/classifier/signature_read.h"

#include <stdio.h>
#include <string.h>

#include "common/wire/event.h"
#include "stages/classifier/members.h"

static bool has(struct json_object *object, const char *name)
{
    return json_object_object_get_ex(object, name, NULL);
}

static bool read_class(struct json_object *from, struct condition *c, const struct fault *fault)
{
    static const char *const classes[] = {"alnum", "alpha", "digit", "hex", "print", NULL};
    size_t class = 0;
    if (!member_word(from, "class", classes, &class, fault))
        return false;
    c->kind = CONDITION_CLASS;
    c->class = (enum byte_class) class;
    if (!has(from, "length"))
        return fault_say(fault, "a condition with a \"class\" needs a \"length\"");
    return member_number(from, "length", 1, SIGNATURE_OFFSET, &c->length, fault);
}

/* A search in a stream must end somewhere: bytes are held for as long as it is undecided. */
static bool read_search(struct json_object *from, uint8_t transport, struct condition *c,
                        const struct fault *fault)
{
    c->kind = CONDITION_FOUND;
    if (!has(from, "within") && transport == TRANSPORT_TCP)
        return fault_say(fault, "a TCP condition with \"from\" needs \"within\"");
    return member_number(from, "from", 0, SIGNATURE_OFFSET, &c->at, fault) &&
           member_number(from, "within", 1, SIGNATURE_OFFSET, &c->within, fault);
}

static bool read_condition(struct json_object *from, uint8_t transport, struct condition *c,
                           const struct fault *fault)
{
    static const char *const known[] = {"at",  "from",  "within", "text",
                                        "hex", "class", "length", NULL};
    static const char *const places[] = {"at", "from", NULL};
    static const char *const forms[] = {"text", "hex", "class", NULL};
    size_t place = 0, form = 0;
    if (!members_known(from, "a condition", known, fault) ||
        !members_one_of(from, "a condition", places, &place, fault) ||
        !members_one_of(from, "a condition", forms, &form, fault))
        return false;
    if (has(from, "length") && form != 2)
        return fault_say(fault, "\"length\" goes with a \"class\" only");
    if (place == 1 && form == 2)
        return fault_say(fault, "a \"class\" needs \"at\", not \"from\"");
    if (has(from, "within") && place == 0)
        return fault_say(fault, "\"within\" goes with \"from\" only");
    if (!member_number(from, "at", 0, SIGNATURE_OFFSET, &c->at, fault) ||
        (place == 1 && !read_search(from, transport, c, fault)))
        return false;
    if (form == 2)
        return read_class(from, c, fault);
    if (!member_bytes(from, forms[form], form == 1, c->bytes, SIGNATURE_TEXT, &c->length, fault))
        return false;
    c->rare = signature_rare_byte(c->bytes, c->length);
    return true;
}

static bool read_value(struct json_object *from, uint8_t transport, struct value *value,
                       const struct fault *fault)
{
    static const char *const known[] = {"at", "behind", "length", "until", NULL};
    static const char *const places[] = {"at", "behind", NULL};
    size_t place = 0;
    uint32_t length = 0;
    if (!json_object_is_type(from, json_type_object))
        return fault_say(fault, "\"value\" must be an object");
    if (!members_known(from, "a value", known, fault) ||
        !members_one_of(from, "a value", places, &place, fault))
        return false;
    value->wanted = true;
    value->behind = place == 1;
    value->until = has(from, "until");
    if (!has(from, "length") && (transport == TRANSPORT_TCP || !value->until))
        return fault_say(fault, "a value needs a \"length\"%s",
                         value->until ? " over TCP" : " or \"until\"");
    return member_number(from, places[place], 0, SIGNATURE_OFFSET, &value->at, fault) &&
           member_number(from, "length", 1, SIGNATURE_OFFSET, &value->length, fault) &&
           (!value->until ||
            member_bytes(from, "until", true, &value->until_byte, 1, &length, fault));
}

static bool read_alternative(struct json_object *from, uint8_t transport, struct alternative *a,
                             const struct fault *fault)
{
    static const char *const known[] = {"longer_than", "where", "value", NULL};
    struct json_object *where;
    bool searches = false;
    if (!members_known(from, "an alternative", known, fault) ||
        !member_number(from, "longer_than", 0, SIGNATURE_OFFSET, &a->longer_than, fault) ||
        !member_objects(from, "where", 1, SIGNATURE_CONDITIONS, &where, fault))
        return false;
    a->condition_count = (uint32_t)json_object_array_length(where);
    for (uint32_t i = 0; i < a->condition_count; i++) {
        struct json_object *condition = json_object_array_get_idx(where, i);
        if (!read_condition(condition, transport, &a->conditions[i], fault))
            return false;
        searches |= a->conditions[i].kind == CONDITION_FOUND;
    }
    if (has(from, "value") && !read_value(member(from, "value"), transport, &a->value, fault))
        return false;
    return !a->value.behind || searches ||
           fault_say(fault, "a value with \"behind\" needs a condition with \"from\"");
}

static bool read_match(struct json_object *from, struct signature *s, const struct fault *fault)
{
    static const char *const reports[] = {"identifiers", "bit_peer", "xunlei", "toutiao", NULL};
    static const char *const except[] = {"stun", NULL};
    struct json_object *match;
    size_t report = REPORTS_IDENTIFIERS, excepted = 0;
    if (!member_word(from, "reports", reports, &report, fault) ||
        !member_word(from, "except", except, &excepted, fault) ||
        !member_objects(from, "match", 1, SIGNATURE_ALTERNATIVES, &match, fault))
        return false;
    s->reports = (enum reports)report;
    s->except_stun = has(from, "except");
    if (s->transport == TRANSPORT_TCP && (s->except_stun || s->reports == REPORTS_TOUTIAO))
        return fault_say(fault, s->except_stun ? "\"except\" is for UDP only"
                                               : "\"reports\": \"toutiao\" is for UDP only");
    s->alternative_count = (uint32_t)json_object_array_length(match);
    for (uint32_t i = 0; i < s->alternative_count; i++)
        if (!read_alternative(json_object_array_get_idx(match, i), s->transport,
                              &s->alternatives[i], fault))
            return false;
    return true;
}

static bool read_stun(struct json_object *from, struct signature *s, const struct fault *fault)
{
    uint8_t bytes[2];
    uint32_t length = 0;
    if (s->transport != TRANSPORT_UDP)
        return fault_say(fault, "\"stun_attribute\" is for UDP only");
    if (!member_bytes(from, "stun_attribute", true, bytes, sizeof bytes, &length, fault))
        return false;
    if (length != sizeof bytes)
        return fault_say(fault, "\"stun_attribute\" must be four hexadecimal digits");
    s->reports = REPORTS_STUN_VALUES;
    s->stun_attribute = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

/* What a signature with this kind's member may have besides what all have. */
static bool read_kind(struct json_object *from, struct signature *s, const struct fault *fault)
{
    static const char *const kinds[] = {"match", "stun_attribute", "extracts", NULL};
    static const char *const extracts[] = {"websocket-addresses", NULL};
    static const char *const known[][10] = {
        {"name", "transport", "port", "label", "priority", "match", "reports", "except", NULL},
        {"name", "transport", "port", "label", "priority", "stun_attribute", NULL},
        {"name", "transport", "port", "extracts", NULL},
    };
    size_t kind = 0, extracted = 0;
    if (!members_one_of(from, "a signature", kinds, &kind, fault))
        return false;
    s->kind = (enum signature_kind)kind;
    char what[64];
    snprintf(what, sizeof what, "a signature with \"%s\"", kinds[kind]);
    if (!members_known(from, what, known[kind], fault))
        return false;
    if (s->kind == SIGNATURE_MATCH)
        return read_match(from, s, fault);
    if (s->kind == SIGNATURE_STUN)
        return read_stun(from, s, fault);
    if (s->transport != TRANSPORT_TCP)
        return fault_say(fault, "\"extracts\" is for TCP only");
    return member_word(from, "extracts", extracts, &extracted, fault);
}

/* The types that the stages themselves give. */
static bool is_taken(const char *label)
{
    static const char *const taken[] = {"tcp", "udp", "http", "https"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(label, taken[i]) == 0)
            return true;
    return false;
}

bool signature_read(struct json_object *from, struct signature *s, struct fault fault)
{
    static const char *const transports[] = {"tcp", "udp", NULL};
    size_t transport = SIZE_MAX;
    uint32_t port = 0;
    memset(s, 0, sizeof *s);
    if (!member_text(from, "name", s->name, sizeof s->name, &fault))
        return false;
    fault.signature = s->name;
    if (!member_word(from, "transport", transports, &transport, &fault))
        return false;
    if (transport == SIZE_MAX)
        return fault_say(&fault, "\"transport\" must be one of \"tcp\", \"udp\"");
    s->transport = transport == 0 ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!member_number(from, "port", 1, UINT16_MAX, &port, &fault) || !read_kind(from, s, &fault))
        return false;
    s->port = (uint16_t)port;
    if (s->kind == SIGNATURE_ADDRESSES)
        return true;
    s->priority = SIGNATURE_PRIORITY;
    if (!member_text(from, "label", s->label, sizeof s->label, &fault) ||
        !member_number(from, "priority", 1, SIGNATURE_PRIORITY, &s->priority, &fault))
        return false;
    return !is_taken(s->label) ||
           fault_say(&fault, "\"label\": \"%s\" is a type that needs no signature", s->label);
}
