#include "stages/extractor/certificate.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/extractor/algorithms.h"

enum { LONGEST_DOMAIN = 253, LONGEST_LABEL = 63 };

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

int certificate_domains(const uint8_t *der, size_t length, certificate_domain_fn *each,
                        void *context)
{
    const uint8_t *at = der;
    X509 *certificate = length <= LONG_MAX ? d2i_X509(NULL, &at, (long)length) : NULL;
    if (!certificate) {
        ERR_clear_error();
        return ERR_MALFORMED;
    }
    int error = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names)
        error = alternative_names(names, each, context);
    else if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
        error = common_name(X509_get_subject_name(certificate), each, context);
    GENERAL_NAMES_free(names);
    X509_free(certificate);
    ERR_clear_error();
    return error;
}
