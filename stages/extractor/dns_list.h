/*
 * Texts in order, each once: what a DNS record's lists are made of. A message can hold thousands,
 * so they are found by their hash.
 */
#ifndef TAPLINE_EXTRACTOR_DNS_LIST_H
#define TAPLINE_EXTRACTOR_DNS_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "stages/extractor/conversation.h"

/** All are rooms of the conversation (conversation.h). */
struct dns_list {
    struct buffer *texts;   /* one behind the other */
    struct buffer *entries; /* struct entry for each */
    struct buffer *slots;   /* hash table: uint32_t each, number of an entry from 1; 0: free */
};

enum { DNS_LIST_ROOMS = 3 };

/** An empty list, for as long as its rooms are: there is room for `which` of 0 and 1. */
struct dns_list dns_list_within(struct conversation *c, unsigned which);

/** Adds a text behind the others unless it is there already; 0 or -ENOMEM. */
int dns_list_add(struct dns_list *list, const char *text, size_t length);

/** Appends the texts as a msgpack array of str, cleaned to UTF-8. */
void dns_list_pack(struct buffer *to, const struct dns_list *list);

#endif
