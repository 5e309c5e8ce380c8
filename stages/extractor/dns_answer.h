/*
 * The answer section of a DNS message (RFC 1035, section 4), record by record. Names are unpacked
 * by the C library (ns_name_unpack), which bounds what compression may refer to.
 */
#ifndef TAPLINE_EXTRACTOR_DNS_ANSWER_H
#define TAPLINE_EXTRACTOR_DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/net/address.h"

/** Room for a name's text: at most 255 bytes on the wire, each at most four as text. */
enum { DNS_NAME_TEXT = 1024 };

/** Where one is in the section. */
struct dns_answers {
    const uint8_t *message;
    struct cursor at;
    unsigned left; /* records that are still to come, as the header counts them */
};

/**
 * A name as text: labels joined by dots, none behind the last one; the root is ".". As in RFC 1035,
 * section 5.1, a dot or backslash within a label gets a backslash before it, and a control
 * character is written \DDD; other bytes stand as they are (multicast names are UTF-8, RFC 6762).
 */
struct dns_name {
    char text[DNS_NAME_TEXT];
    size_t length;
};

struct dns_answer {
    struct dns_name owner;
    struct dns_name target; /* of a CNAME; else of length 0 */
    struct address address; /* of an A or AAAA record; else of length 0 */
};

/** Begins with a message's answers. 0; ERR_EOF: it is a query, or has none; ERR_MALFORMED: its
 * header or questions are broken, or cut off. */
int dns_answers_begin(struct dns_answers *answers, const uint8_t *message, size_t length);

/** The next one. 0; ERR_EOF: there is none any more; ERR_MALFORMED: it is broken, or cut off, and
 *  nothing behind it can be read. */
int dns_answers_next(struct dns_answers *answers, struct dns_answer *answer);

#endif
