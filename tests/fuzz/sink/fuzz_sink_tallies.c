/* The ledger's tallies: whatever they say, it agrees, waits, or says what is wrong. */
#include <stdlib.h>

#include "stages/sink/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct unpack from = unpack_over(bytes, length);
    struct ledger *ledger = ledger_new(2);
    struct fault fault = {0};
    struct buffer text = {0};
    while (from.at < from.end && ledger_tally(ledger, &from) == 0)
        if (ledger_state(ledger, &fault) == LEDGER_BROKEN && !fault.error)
            abort();
    struct jsonw w = jsonw_to(&text);
    jsonw_open_object(&w);
    ledger_write(ledger, &w);
    jsonw_close_object(&w);
    ledger_write_totals(ledger, &text);
    buffer_free(&text);
    ledger_free(&ledger);
    return 0;
}
