#include "stages/sink/press.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "stages/sink/position.h"
#include "stages/sink/printer.h"

/* A block becomes about seven times as long when it is printed, which still fits a core's cache. */
enum { BLOCK_BYTES = 32 * 1024, SHEETS = 8 };

enum sheet_state {
    SHEET_EMPTY,
    SHEET_FILLED,
    SHEET_TAKEN, /* by whoever prints it */
    SHEET_PRINTED,
};

struct sheet {
    enum sheet_state state;
    enum record_file file;
    uint64_t lines;
    struct buffer records; /* entries as they are stored (entry.h) */
    struct buffer text;
    int error;
};

/* Sheets go round: they are filled and read by the caller's thread, and printed by all. Each of the
 * three counts the sheets that it is done with. */
struct press {
    struct records *records;
    struct slice zone;
    struct printer *printer; /* the caller's; each helper has its own */
    struct entry ahead;      /* the first record of the next sheet */
    bool is_ahead;
    bool ended; /* there are no more records */
    bool lent;  /* the caller has the text of the sheet to read */
    uint64_t filled;
    uint64_t read;
    bool started;
    size_t most_helpers;
    size_t helpers;
    pthread_t threads[PRESS_HELPERS];
    pthread_mutex_t lock; /* of what follows: the sheets' states, above all */
    pthread_cond_t to_print;
    pthread_cond_t to_read;
    uint64_t taken;
    bool stopped;
    struct sheet sheets[SHEETS];
};

struct press *press_new(struct records *records, struct slice zone, size_t helpers)
{
    struct press *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->records = records;
    p->zone = zone;
    p->most_helpers = helpers < PRESS_HELPERS ? helpers : PRESS_HELPERS;
    p->printer = printer_new(zone);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->to_print, NULL);
    pthread_cond_init(&p->to_read, NULL);
    if (!p->printer)
        press_free(&p);
    return p;
}

void press_free(struct press **press)
{
    struct press *p = *press;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_cond_broadcast(&p->to_print);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->helpers; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->to_read);
    pthread_cond_destroy(&p->to_print);
    pthread_mutex_destroy(&p->lock);
    printer_free(&p->printer);
    for (size_t i = 0; i < SHEETS; i++) {
        buffer_free(&p->sheets[i].records);
        buffer_free(&p->sheets[i].text);
    }
    free(p);
    *press = NULL;
}

static int print(struct printer *printer, struct sheet *sheet)
{
    const uint8_t *at = sheet->records.bytes;
    int error = printer ? 0 : -ENOMEM;
    buffer_clear(&sheet->text);
    for (uint64_t i = 0; i < sheet->lines && !error; i++) {
        struct entry record = entry_at(at);
        error = printer_line(printer, &record, &sheet->text);
        at += entry_size(&record);
    }
    return error;
}

/* The next sheet to print, NULL where there is none; with the lock held. */
static struct sheet *take_sheet(struct press *p)
{
    struct sheet *sheet = &p->sheets[p->taken % SHEETS];
    if (sheet->state != SHEET_FILLED)
        return NULL;
    sheet->state = SHEET_TAKEN;
    p->taken++;
    return sheet;
}

/* Prints a sheet that was taken; the lock is held but for that time. */
static void print_sheet(struct press *p, struct printer *printer, struct sheet *sheet)
{
    pthread_mutex_unlock(&p->lock);
    sheet->error = print(printer, sheet);
    pthread_mutex_lock(&p->lock);
    sheet->state = SHEET_PRINTED;
    pthread_cond_signal(&p->to_read);
}

static void *run(void *context)
{
    struct press *p = context;
    struct printer *printer = printer_new(p->zone);
    pthread_mutex_lock(&p->lock);
    while (!p->stopped) {
        struct sheet *sheet = take_sheet(p);
        if (sheet)
            print_sheet(p, printer, sheet);
        else
            pthread_cond_wait(&p->to_print, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    printer_free(&printer);
    return NULL;
}

/* A helper for each further processor that this process may use; one that cannot be had is not
 * missed. Signals are the main thread's. */
static void start_helpers(struct press *p)
{
    cpu_set_t processors;
    sigset_t all, before;
    p->started = true;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->helpers < p->most_helpers && p->helpers + 1 < (size_t)CPU_COUNT(&processors) &&
           pthread_create(&p->threads[p->helpers], NULL, run, p) == 0)
        p->helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void put_record(struct sheet *sheet, const struct entry *record)
{
    uint8_t head[ENTRY_HEAD];
    entry_store_head(record, head);
    buffer_append(&sheet->records, head, sizeof head);
    buffer_append(&sheet->records, record->key, record->key_length);
    buffer_append(&sheet->records, record->value, record->value_length);
    sheet->lines++;
}

/* Fills an empty sheet with the next records of one file. ERR_EOF: there are none; that is said
 * once alone, as behind a part others come. */
static int fill_sheet(struct press *p, struct sheet *sheet)
{
    int error = 0;
    sheet->lines = 0;
    buffer_clear(&sheet->records);
    while (sheet->records.length < BLOCK_BYTES) {
        if (!p->is_ahead)
            error = records_next(p->records, &p->ahead);
        p->is_ahead = !error;
        if (error || (sheet->lines && sheet->file != position_file(&p->ahead)))
            break;
        sheet->file = position_file(&p->ahead);
        put_record(sheet, &p->ahead);
        p->is_ahead = false;
    }
    if (sheet->records.failed)
        return -ENOMEM;
    p->ended = error == ERR_EOF;
    return p->ended && sheet->lines ? 0 : error;
}

/* Fills all sheets that are empty. Whoever fills a whole one has work for others, too. */
static int fill_sheets(struct press *p)
{
    while (!p->ended && p->filled - p->read < SHEETS) {
        struct sheet *sheet = &p->sheets[p->filled % SHEETS];
        int error = fill_sheet(p, sheet);
        if (error)
            return p->ended ? 0 : error;
        pthread_mutex_lock(&p->lock);
        sheet->state = SHEET_FILLED;
        p->filled++;
        pthread_cond_signal(&p->to_print);
        pthread_mutex_unlock(&p->lock);
        if (!p->started && sheet->records.length >= BLOCK_BYTES)
            start_helpers(p);
    }
    return 0;
}

/* Waits until the sheet is printed, and prints whatever can be printed meanwhile. */
static void await(struct press *p, const struct sheet *sheet)
{
    pthread_mutex_lock(&p->lock);
    while (sheet->state != SHEET_PRINTED) {
        struct sheet *other = take_sheet(p);
        if (other)
            print_sheet(p, p->printer, other);
        else
            pthread_cond_wait(&p->to_read, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

/* The text that was handed out is not needed any more. */
static void take_back(struct press *p)
{
    pthread_mutex_lock(&p->lock);
    p->sheets[p->read++ % SHEETS].state = SHEET_EMPTY;
    pthread_mutex_unlock(&p->lock);
    p->lent = false;
}

int press_next(struct press *p, struct block *block)
{
    if (p->lent)
        take_back(p);
    int error = fill_sheets(p);
    if (error)
        return error;
    if (p->read == p->filled)
        return ERR_EOF;
    const struct sheet *sheet = &p->sheets[p->read % SHEETS];
    await(p, sheet);
    p->lent = true;
    *block = (struct block){sheet->file, sheet->lines, {sheet->text.bytes, sheet->text.length}};
    return sheet->error;
}
