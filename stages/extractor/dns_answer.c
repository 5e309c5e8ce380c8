#include "stages/extractor/dns_answer.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/error.h"

enum {
    RESPONSE = 0x8000,
    OPCODE = 0x7800,      /* 0: a query, or the response to one (multicast DNS has no other) */
    CACHE_FLUSH = 0x8000, /* in a record's class: RFC 6762, section 10.2 */
};

/* Writes a byte of a label that may not stand for itself; returns behind it. */
static char *put_escape(char *at, uint8_t c)
{
    *at++ = '\\';
    if (c == '.' || c == '\\') {
        *at++ = (char)c;
        return at;
    }
    *at++ = (char)('0' + c / 100);
    *at++ = (char)('0' + c / 10 % 10);
    *at++ = (char)('0' + c % 10);
    return at;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c != 0x7f && c != '.' && c != '\\';
}

/* `wire`: labels, each behind its length, up to one of length 0; at most NS_MAXCDNAME bytes. */
static void name_text(struct dns_name *name, const uint8_t *wire)
{
    char *at = name->text;
    if (*wire == 0)
        *at++ = '.';
    while (*wire > 0) {
        if (at > name->text)
            *at++ = '.';
        const uint8_t *end = wire + 1 + *wire;
        for (wire++; wire < end; wire++) {
            if (is_plain(*wire))
                *at++ = (char)*wire;
            else
                at = put_escape(at, *wire);
        }
    }
    name->length = (size_t)(at - name->text);
}

/* Reads the name at a place in the message, which `in` then stands behind. */
static void name_read(const uint8_t *message, struct cursor *in, struct dns_name *name)
{
    uint8_t wire[NS_MAXCDNAME + 1];
    name->length = 0;
    int length = in->bad ? -1 : ns_name_unpack(message, in->end, in->at, wire, NS_MAXCDNAME);
    if (length > 0 && cursor_skip(in, (size_t)length))
        name_text(name, wire);
    else
        in->bad = true;
}

/* Steps over a name without asking what it says. */
static void name_skip(struct cursor *in)
{
    int length = in->bad ? -1 : dn_skipname(in->at, in->end);
    if (length <= 0 || !cursor_skip(in, (size_t)length))
        in->bad = true;
}

int dns_answers_begin(struct dns_answers *answers, const uint8_t *message, size_t length)
{
    struct cursor in = cursor_over(message, length);
    cursor_skip(&in, NS_INT16SZ); /* id */
    uint16_t flags = cursor_u16(&in), questions = cursor_u16(&in), count = cursor_u16(&in);
    cursor_skip(&in, 2 * NS_INT16SZ); /* counts of the other sections */
    if (in.bad)
        return ERR_MALFORMED;
    if (!(flags & RESPONSE) || (flags & OPCODE) || count == 0)
        return ERR_EOF;
    for (; questions > 0 && !in.bad; questions--) {
        name_skip(&in);
        cursor_skip(&in, 2 * NS_INT16SZ); /* type, class */
    }
    *answers = (struct dns_answers){.message = message, .at = in, .left = count};
    return in.bad ? ERR_MALFORMED : 0;
}

int dns_answers_next(struct dns_answers *answers, struct dns_answer *answer)
{
    if (answers->left == 0)
        return ERR_EOF;
    struct cursor *in = &answers->at;
    name_read(answers->message, in, &answer->owner);
    uint16_t type = cursor_u16(in), class = cursor_u16(in) & (uint16_t)~CACHE_FLUSH;
    cursor_skip(in, NS_INT32SZ); /* how long it may be kept */
    struct cursor data = cursor_slice(in, cursor_u16(in));
    answer->target.length = 0;
    answer->address.length = 0;
    if (in->bad)
        return ERR_MALFORMED;
    answers->left--;
    size_t length = cursor_left(&data);
    if (class != ns_c_in)
        return 0;
    if ((type == ns_t_a && length == NS_INADDRSZ) || (type == ns_t_aaaa && length == NS_IN6ADDRSZ))
        answer->address = address_from(data.at, length);
    if (type == ns_t_cname)
        name_read(answers->message, &data, &answer->target);
    return 0;
}
