/*
 * Notes of where a message lies, in memory that is known: what they lead to must lie within it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bus/borrowing.h"
#include "common/bus/lending.h"

enum { SENDER = 77, WAITING = 4, SLOT = 4096 };

static struct vitals vitals;
static struct borrowing *borrowing;
static struct lending *lending;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A true note first: later ones are about the same memory, whatever process they name. */
static int find(const uint8_t *bytes, size_t length, struct loan *loan)
{
    const struct message_head head = {.sender = SENDER};
    struct unpack from = unpack_over(bytes, length);
    return borrowing_find(borrowing, &head, &from, loan);
}

static void open_memory(void)
{
    const struct lending_terms terms = {SENDER, 0, WAITING, SLOT, &vitals};
    struct buffer message = {0}, note = {0};
    struct loan loan;
    lending = lending_new(&terms);
    borrowing = borrowing_new();
    if (!lending || !borrowing)
        abort();
    lending_fill(lending, &message);
    lending_hand_over(lending, &message, 0, &note);
    if (find(note.bytes, note.length, &loan) != 0)
        abort();
    loan_return(&loan);
    buffer_free(&note);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct loan loan = {0};
    if (!lending)
        open_memory();
    if (find(bytes, length, &loan) != 0)
        return 0;
    for (size_t i = 0; i < loan.bytes.length; i++)
        if (loan.bytes.bytes[i]) /* nothing was ever written there */
            abort();
    if (loan.bytes.length > SLOT)
        abort();
    loan_return(&loan);
    return 0;
}
