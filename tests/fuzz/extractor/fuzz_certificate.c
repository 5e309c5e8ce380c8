/* A certificate: its fingerprint, and domains that are as they should be. */
#include <assert.h>
#include <stdlib.h>

#include "stages/extractor/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int check(void *context, const uint8_t *name, size_t length)
{
    (void)context;
    if (!certificate_domain_valid(name, length))
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char fingerprint[FINGERPRINT_TEXT];
    certificate_domain_valid(bytes, length);
    certificate_domains(bytes, length, check, NULL);
    return certificate_fingerprint(bytes, length, fingerprint);
}
