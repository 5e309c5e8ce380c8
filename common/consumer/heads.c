#include "common/consumer/heads.h"

#include <stdio.h>
#include <string.h>

static struct head *find(struct heads *h, const char *sink, const char *topic)
{
    for (size_t i = 0; i < h->count; i++) {
        struct head *head = &h->known[i];
        if (strcmp(head->topic, topic) == 0 && strcmp(head->sink, sink) == 0)
            return head;
    }
    return NULL;
}

/* A place for a new one: a free one, or that of the one that was heard of least recently. */
static struct head *add(struct heads *h, const char *sink, const char *topic)
{
    struct head *head = &h->known[0];
    if (h->count < HEADS_MAX)
        head = &h->known[h->count++];
    else
        for (size_t i = 1; i < h->count; i++)
            if (h->known[i].touched < head->touched)
                head = &h->known[i];
    *head = (struct head){0};
    snprintf(head->sink, sizeof head->sink, "%s", sink);
    snprintf(head->topic, sizeof head->topic, "%s", topic);
    return head;
}

/* The numbers behind the one that was seen last, up to `seq`, of which `arrived` came. */
static void advance(struct heads *h, struct head *head, uint64_t seq, uint64_t arrived)
{
    head->touched = ++h->calls;
    if (seq <= head->seq)
        return;
    head->missed += seq - head->seq - arrived;
    head->seq = seq;
}

/* From here on it is known what is missed. */
static void begin(struct heads *h, const char *sink, const char *topic, uint64_t seq)
{
    struct head *head = add(h, sink, topic);
    head->touched = ++h->calls;
    head->seq = seq;
}

void heads_arrived(struct heads *h, const char *sink, const char *topic, uint64_t seq)
{
    struct head *head = find(h, sink, topic);
    if (head)
        advance(h, head, seq, 1);
    else
        begin(h, sink, topic, seq);
}

void heads_told(struct heads *h, const char *sink, const char *topic, uint64_t seq, bool in_force)
{
    struct head *head = find(h, sink, topic);
    if (head)
        advance(h, head, seq, 0);
    else if (in_force)
        begin(h, sink, topic, seq);
}

uint64_t heads_missed(const struct heads *h, const char *prefix)
{
    uint64_t missed = 0;
    for (size_t i = 0; i < h->count; i++)
        if (strncmp(h->known[i].topic, prefix, strlen(prefix)) == 0)
            missed += h->known[i].missed;
    return missed;
}
