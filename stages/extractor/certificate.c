#include "stages/extractor/certificate.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "common/wire/unpack.h"
#include "stages/extractor/algorithms.h"

enum { LONGEST_DOMAIN = 253, LONGEST_LABEL = 63 };

/* Tags of DER (X.690), those with a number for what RFC 5280, section 4.1, numbers so. */
enum {
    INTEGER = 0x02,
    BIT_STRING = 0x03,
    SEQUENCE = 0x30,
    VERSION = 0xa0,
    ISSUER_ID = 0x81,
    SUBJECT_ID = 0x82,
    EXTENSIONS = 0xa3,
};

int certificate_fingerprint(const uint8_t *der, size_t length, char out[FINGERPRINT_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t digest[SHA256_BYTES];
    int error = algorithms_sha256(der, length, digest);
    if (error)
        return error;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 0x0f];
    }
    out[2 * SHA256_BYTES] = '\0';
    return 0;
}

static bool label_valid(const uint8_t *label, size_t length)
{
    if (length == 0 || length > LONGEST_LABEL || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (label[i] >= 0x80 || (!isalnum(label[i]) && label[i] != '-' && label[i] != '_'))
            return false;
    return true;
}

static bool all_digits(const uint8_t *label, size_t length)
{
    size_t i = 0;
    while (i < length && label[i] >= '0' && label[i] <= '9')
        i++;
    return i == length;
}

bool certificate_domain_valid(const uint8_t *name, size_t length)
{
    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length > LONGEST_DOMAIN)
        return false;
    if (length > 2 && name[0] == '*' && name[1] == '.') {
        name += 2;
        length -= 2;
    }
    for (;;) {
        const uint8_t *dot = length > 0 ? memchr(name, '.', length) : NULL;
        size_t label = dot ? (size_t)(dot - name) : length;
        if (!label_valid(name, label))
            return false;
        if (!dot)
            return !all_digits(name, label);
        name += label + 1;
        length -= label + 1;
    }
}

/* Steps over an element (X.690, section 8.1) if it has this tag, and gives what is in it. */
static bool element(struct cursor *in, uint8_t tag, struct cursor *content)
{
    enum { LONG = 0x80, LONGEST = 4 };
    if (cursor_left(in) == 0 || *in->at != tag)
        return false;
    cursor_skip(in, 1);
    size_t length = cursor_u8(in);
    if (length >= LONG) {
        unsigned bytes = length & ~LONG;
        in->bad = in->bad || bytes == 0 || bytes > LONGEST;
        for (length = 0; bytes > 0 && !in->bad; bytes--)
            length = length << 8 | cursor_u8(in);
    }
    *content = cursor_slice(in, length);
    return !in->bad;
}

/* Where a certificate has its subject, and its extensions (without bytes: none). Only those are for
 * libcrypto to read: all of a certificate takes it tens of times as long, most of that for the
 * public key, which nobody asks for. */
static bool find_names(const uint8_t *der, size_t length, struct slice *subject,
                       struct slice *extensions)
{
    /* Serial number, signature algorithm, issuer, validity. */
    static const uint8_t before[] = {INTEGER, SEQUENCE, SEQUENCE, SEQUENCE};
    struct cursor in = cursor_over(der, length), certificate, body, part;
    if (!element(&in, SEQUENCE, &certificate) || !element(&certificate, SEQUENCE, &body))
        return false;
    element(&body, VERSION, &part);
    for (size_t i = 0; i < sizeof before; i++)
        if (!element(&body, before[i], &part))
            return false;
    const uint8_t *from = body.at;
    if (!element(&body, SEQUENCE, &part))
        return false;
    *subject = (struct slice){from, (size_t)(body.at - from)};
    if (!element(&body, SEQUENCE, &part)) /* the public key */
        return false;
    element(&body, ISSUER_ID, &part);
    element(&body, SUBJECT_ID, &part);
    *extensions = (struct slice){0};
    if (element(&body, EXTENSIONS, &part))
        *extensions = (struct slice){part.at, cursor_left(&part)};
    return !body.bad && element(&certificate, SEQUENCE, &part) &&
           element(&certificate, BIT_STRING, &part);
}

static int alternative_names(const GENERAL_NAMES *names, certificate_domain_fn *each, void *context)
{
    int error = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !error; i++) {
        int type;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type != GEN_DNS)
            continue;
        const uint8_t *name = ASN1_STRING_get0_data(value);
        size_t length = (size_t)ASN1_STRING_length(value);
        if (certificate_domain_valid(name, length))
            error = each(context, name, length);
    }
    return error;
}

/* The subject goes from the general to the specific, so its last common name comes first. */
static int common_name(const X509_NAME *subject, certificate_domain_fn *each, void *context)
{
    for (int i = X509_NAME_entry_count(subject) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName)
            continue;
        uint8_t *name;
        int length = ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(entry));
        if (length < 0)
            continue;
        bool fits =
            memchr(name, '.', (size_t)length) && certificate_domain_valid(name, (size_t)length);
        int error = fits ? each(context, name, (size_t)length) : 0;
        OPENSSL_free(name);
        if (fits)
            return error;
    }
    return 0;
}

static int read_domains(const X509_EXTENSIONS *extensions, const X509_NAME *subject,
                        certificate_domain_fn *each, void *context)
{
    int error = 0;
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    if (names)
        error = alternative_names(names, each, context);
    else if (X509v3_get_ext_by_NID(extensions, NID_subject_alt_name, -1) < 0)
        error = common_name(subject, each, context);
    GENERAL_NAMES_free(names);
    return error;
}

int certificate_domains(const uint8_t *der, size_t length, certificate_domain_fn *each,
                        void *context)
{
    struct slice subject, extensions;
    if (!find_names(der, length, &subject, &extensions))
        return ERR_MALFORMED;
    X509_NAME *name = d2i_X509_NAME(NULL, &subject.bytes, (long)subject.length);
    X509_EXTENSIONS *list = NULL;
    if (extensions.bytes)
        list = d2i_X509_EXTENSIONS(NULL, &extensions.bytes, (long)extensions.length);
    int error = ERR_MALFORMED;
    if (name && (list || !extensions.bytes))
        error = read_domains(list, name, each, context);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_NAME_free(name);
    ERR_clear_error();
    return error;
}
