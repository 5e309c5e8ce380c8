/* The recognisers over any bytes: what they say of a beginning must stay true of the whole. */
#include <stdint.h>
#include <stdlib.h>

#include "common/recognise/dns_message.h"
#include "common/recognise/quic_initial.h"
#include "common/recognise/start_line.h"
#include "common/recognise/tls_hello.h"

enum { LONGEST_LINE = 128, MOST = 512 };

static void stays(enum verdict beginning, enum verdict whole)
{
    if (beginning != VERDICT_MORE && beginning != whole)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct start_line whole = {0}, resumed = {0};
    if (length > MOST)
        return 0;
    enum verdict line = start_line_recognise(bytes, length, LONGEST_LINE, &whole);
    enum verdict hello = tls_hello_recognise(bytes, length);
    bool dns[2] = {dns_message_recognise(bytes, length, 0, false),
                   dns_message_recognise(bytes, length, 0, true)};
    bool quic = quic_initial_recognise(bytes, length);
    if (line == VERDICT_MORE && length >= LONGEST_LINE)
        abort();
    if (dns[0] && !dns[1])
        abort();
    for (size_t i = 0; i < length; i++) {
        struct start_line fresh = {0};
        enum verdict beginning = start_line_recognise(bytes, i, LONGEST_LINE, &fresh);
        if (beginning != start_line_recognise(bytes, i, LONGEST_LINE, &resumed))
            abort();
        stays(beginning, line);
        stays(tls_hello_recognise(bytes, i), hello);
        /* What was cut off is believed: a message stays one, and nothing becomes one by a port. */
        if (dns[1] && i >= 12 && !dns_message_recognise(bytes, i, length - i, true))
            abort();
        if (dns_message_recognise(bytes, i, length - i, false) &&
            !dns_message_recognise(bytes, i, length - i, true))
            abort();
        if (quic_initial_recognise(bytes, i) && !quic)
            abort();
    }
    return 0;
}
