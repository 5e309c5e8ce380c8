#include "stages/sink/scribe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "stages/sink/printer.h"
#include "stages/sink/sheet.h"
#include "stages/sink/thread.h"

/* Of records that were taken and are not written yet: a usual part has less. */
enum { MOST_BYTES = 16 * 1024 * 1024 };

/* One of the sheets that wait to be written, or to be filled. */
struct page {
    struct page *next;
    struct sheet sheet;
};

struct scribe {
    struct record_files *files;
    struct slice zone;
    struct page *page; /* that is being filled */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t to_write;
    pthread_cond_t written;
    struct page *first; /* to be written, in the order in which they came, */
    struct page **end;
    size_t bytes;       /* and how much they and the one that is being written hold */
    struct page *empty; /* those that were written, for others */
    bool stopped;
    _Atomic int outcome; /* read without the lock, as it is with every event */
};

struct scribe *scribe_new(struct record_files *files, struct slice zone)
{
    struct scribe *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->files = files;
    s->zone = zone;
    s->end = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->to_write, NULL);
    pthread_cond_init(&s->written, NULL);
    return s;
}

static void free_pages(struct page *page)
{
    while (page) {
        struct page *next = page->next;
        sheet_free(&page->sheet);
        free(page);
        page = next;
    }
}

static void stop(struct scribe *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_signal(&s->to_write);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
}

void scribe_free(struct scribe **scribe)
{
    struct scribe *s = *scribe;
    if (!s)
        return;
    if (s->started)
        stop(s);
    pthread_cond_destroy(&s->written);
    pthread_cond_destroy(&s->to_write);
    pthread_mutex_destroy(&s->lock);
    free_pages(s->first);
    free_pages(s->empty);
    free_pages(s->page);
    free(s);
    *scribe = NULL;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int write_sheet(const struct scribe *s, const struct sheet *sheet, struct printer *printer)
{
    int error = printer ? 0 : -ENOMEM;
    struct buffer *text = error ? NULL : record_files_text(s->files, sheet->file, &error);
    if (text)
        error = sheet_print(sheet, printer, text);
    return error ? error : record_files_go_on(s->files, sheet->file, sheet->lines);
}

/* Writes the first page of all, without the lock for that time; after an error, none. */
static void write_first(struct scribe *s, struct printer *printer)
{
    struct page *page = s->first;
    size_t bytes = page->sheet.records.length;
    s->first = page->next;
    if (!s->first)
        s->end = &s->first;
    if (s->outcome == ERR_AGAIN) {
        pthread_mutex_unlock(&s->lock);
        int error = write_sheet(s, &page->sheet, printer);
        pthread_mutex_lock(&s->lock);
        s->bytes -= bytes;
        s->outcome = error ? error : s->bytes ? ERR_AGAIN : 0;
    }
    sheet_clear(&page->sheet);
    page->next = s->empty;
    s->empty = page;
    /* Whoever waits for room is not woken for every page. */
    if (s->outcome != ERR_AGAIN || s->bytes <= MOST_BYTES / 2)
        pthread_cond_signal(&s->written);
}

static void *run(void *context)
{
    struct scribe *s = context;
    struct printer *printer = printer_new(s->zone);
    pthread_mutex_lock(&s->lock);
    while (!s->stopped) {
        if (s->first)
            write_first(s, printer);
        else
            pthread_cond_wait(&s->to_write, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    printer_free(&printer);
    return NULL;
}

/* ---- who has records for it ------------------------------------------------------------------ */

/* Takes an empty page, where there is none yet. */
static int take_page(struct scribe *s)
{
    if (s->page)
        return 0;
    pthread_mutex_lock(&s->lock);
    s->page = s->empty;
    if (s->page)
        s->empty = s->page->next;
    pthread_mutex_unlock(&s->lock);
    if (s->page)
        s->page->next = NULL;
    else
        s->page = calloc(1, sizeof *s->page);
    return s->page ? 0 : -ENOMEM;
}

/* Hands the page over that was filled, when there is room for it. The error that came up. */
static int hand_over(struct scribe *s)
{
    size_t bytes = s->page->sheet.records.length;
    pthread_mutex_lock(&s->lock);
    while (s->outcome == ERR_AGAIN && s->bytes + bytes > MOST_BYTES)
        pthread_cond_wait(&s->written, &s->lock);
    int error = s->outcome == ERR_AGAIN ? 0 : s->outcome;
    if (!error) {
        *s->end = s->page;
        s->end = &s->page->next;
        s->page = NULL;
        s->bytes += bytes;
        s->outcome = ERR_AGAIN;
        pthread_cond_signal(&s->to_write);
    }
    pthread_mutex_unlock(&s->lock);
    return error;
}

static int start(struct scribe *s)
{
    if (!s->started)
        s->started = thread_start(&s->thread, run, s) == 0;
    return s->started ? 0 : -ENOMEM;
}

int scribe_take(struct scribe *s, struct records *records)
{
    struct deal deal = {.records = records};
    int error = 0;
    while (!error) {
        error = take_page(s);
        if (!error)
            error = sheet_fill(&s->page->sheet, &deal);
        if (!error)
            error = start(s);
        if (!error)
            error = hand_over(s);
    }
    return error == ERR_EOF ? 0 : error;
}

int scribe_outcome(const struct scribe *s)
{
    return s->outcome;
}

int scribe_wait(struct scribe *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->outcome == ERR_AGAIN)
        pthread_cond_wait(&s->written, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return s->outcome;
}
