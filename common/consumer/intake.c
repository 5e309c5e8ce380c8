#include "common/consumer/intake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int intake_subscribe(struct intake *in, const char *topic)
{
    if (strlen(topic) >= TOPIC_MAX || in->count == SUBSCRIPTIONS_MAX)
        return -EINVAL;
    snprintf(in->subscriptions[in->count++], TOPIC_MAX, "%s", topic);
    return 0;
}

void intake_ready(struct intake *in)
{
    in->early_count = in->count;
}

/* Do the first `count` subscriptions cover the topic? */
static bool covered(const struct intake *in, size_t count, const char *topic)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(topic, in->subscriptions[i], strlen(in->subscriptions[i])) == 0)
            return true;
    return false;
}

static bool text_to(struct tapline_value value, char *out, size_t size)
{
    const char *text;
    size_t length;
    if (!tapline_text(value, &text, &length) || length >= size || memchr(text, 0, length))
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static void take_heads(struct intake *in, const char *sink)
{
    struct tapline_items items = tapline_items(tapline_get(&in->record, "heads"));
    struct tapline_value name, value;
    char topic[TOPIC_MAX];
    int64_t seq;
    while (tapline_item(&items, &name, &value))
        if (text_to(name, topic, sizeof topic) && tapline_int(value, &seq) && seq >= 0 &&
            covered(in, in->count, topic))
            heads_told(&in->heads, sink, topic, (uint64_t)seq,
                       covered(in, in->early_count, topic));
}

/* One whole map of this version, and who made it. */
static bool read_map(struct intake *in, struct slice body, char sink[SINK_ID_MAX], int64_t *seq)
{
    struct unpack from = unpack_over(body.bytes, body.length);
    bool map = unpack_type(&from) == UNPACK_MAP;
    struct slice raw = unpack_raw(&from);
    int64_t version;
    in->record.map = (struct tapline_value){raw.bytes, raw.length};
    return !from.error && map && tapline_int(tapline_get(&in->record, "tap"), &version) &&
           version == TAPLINE_TAP_VERSION && tapline_int(tapline_get(&in->record, "seq"), seq) &&
           *seq >= 1 && text_to(tapline_get(&in->record, "sink"), sink, SINK_ID_MAX);
}

bool intake_take(struct intake *in, struct slice topic, struct slice body, int *error)
{
    char sink[SINK_ID_MAX];
    int64_t seq;
    *error = -EPROTO;
    if (topic.length >= TOPIC_MAX)
        return false;
    if (topic.length)
        memcpy(in->record.topic, topic.bytes, topic.length);
    in->record.topic[topic.length] = '\0';
    if (!read_map(in, body, sink, &seq))
        return false;
    *error = 0;
    bool wanted = covered(in, in->count, in->record.topic);
    if (wanted)
        heads_arrived(&in->heads, sink, in->record.topic, (uint64_t)seq);
    if (strcmp(in->record.topic, TAPLINE_TOPIC_STATS) == 0)
        take_heads(in, sink);
    return wanted;
}
