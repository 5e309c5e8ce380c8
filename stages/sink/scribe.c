#include "stages/sink/scribe.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "stages/sink/printer.h"
#include "stages/sink/sheet.h"
#include "stages/sink/thread.h"

/* Pages whose text waits for what stands before it. */
enum { MOST_ASIDE = 8, MOST_TEXT = 16 * SHEET_BYTES };

/* Bytes of records that were taken and are not written yet: a usual part has less; and at the end,
 * when the caller has nothing else to do, enough for all who print. */
enum { MOST_BYTES = 16 * 1024 * 1024, MOST_AT_END = 2 * MOST_ASIDE * SHEET_BYTES };

/* More threads have little left to do beside whoever deals. */
enum { MOST_THREADS = 3 };

enum page_state {
    PAGE_FILLED,
    PAGE_TAKEN, /* by whoever prints it */
    PAGE_PRINTED,
};

/* A sheet in the queue, or one that waits to be filled. */
struct page {
    struct page *next;
    enum page_state state;
    struct sheet sheet;
    struct buffer text; /* its lines, where it is printed aside: before its turn to be written */
    int error;
};

struct scribe {
    struct record_files *files; /* whose turn `writing` is */
    struct slice zone;
    struct page *page;       /* that is being filled */
    struct printer *printer; /* the caller's; each thread has its own */
    uint64_t lines;
    size_t most_bytes;
    size_t threads_wanted;
    size_t threads;
    pthread_t thread[MOST_THREADS];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t to_do;
    pthread_cond_t done;
    struct page *first; /* to be written, in the order in which they came, */
    struct page **end;
    struct page *next;  /* and the first of them that nobody prints yet */
    struct page *empty; /* those that were written, for others */
    size_t bytes;       /* of records */
    struct buffer texts[MOST_ASIDE]; /* for those that are printed aside */
    size_t texts_left;
    bool writing;       /* somebody does, and nobody else may */
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
    s->most_bytes = MOST_BYTES;
    s->threads_wanted = 1;
    s->end = &s->first;
    s->texts_left = MOST_ASIDE;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->to_do, NULL);
    pthread_cond_init(&s->done, NULL);
    return s;
}

static void free_pages(struct page *page)
{
    while (page) {
        struct page *next = page->next;
        sheet_free(&page->sheet);
        buffer_free(&page->text);
        free(page);
        page = next;
    }
}

static void stop(struct scribe *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_broadcast(&s->to_do);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->threads; i++)
        pthread_join(s->thread[i], NULL);
}

void scribe_free(struct scribe **scribe)
{
    struct scribe *s = *scribe;
    if (!s)
        return;
    stop(s);
    pthread_cond_destroy(&s->done);
    pthread_cond_destroy(&s->to_do);
    pthread_mutex_destroy(&s->lock);
    printer_free(&s->printer);
    free_pages(s->first);
    free_pages(s->empty);
    free_pages(s->page);
    for (size_t i = 0; i < s->texts_left; i++)
        buffer_free(&s->texts[i]);
    free(s);
    *scribe = NULL;
}

/* ---- what every thread does, with the lock held but for the work itself ----------------------- */

/* Nobody prints this one yet: it is the caller's now. */
static void take(struct scribe *s, struct page *page)
{
    page->state = PAGE_TAKEN;
    s->next = page->next;
}

/* Writes the first page, printing it where it goes to, if it is not printed yet. */
static int write_page(const struct scribe *s, struct page *page, struct printer *printer)
{
    int error = page->error;
    struct buffer *text = error ? NULL : record_files_text(s->files, page->sheet.file, &error);
    if (!text)
        return error;
    if (page->state == PAGE_PRINTED)
        buffer_append(text, page->text.bytes, page->text.length);
    else
        error = printer ? sheet_print(&page->sheet, printer, text) : -ENOMEM;
    return error ? error : record_files_go_on(s->files, page->sheet.file, page->sheet.lines);
}

/* The first page was written, or is not to be. */
static void pass(struct scribe *s, int error)
{
    struct page *page = s->first;
    s->first = page->next;
    if (!s->first)
        s->end = &s->first;
    s->bytes -= page->sheet.records.length;
    if (s->outcome == ERR_AGAIN)
        s->outcome = error ? error : s->first ? ERR_AGAIN : 0;
    sheet_clear(&page->sheet);
    if (page->text.size > MOST_TEXT) /* one record was long: others will not be */
        buffer_free(&page->text);
    if (page->state == PAGE_PRINTED)
        s->texts[s->texts_left++] = page->text;
    page->text = (struct buffer){0};
    page->next = s->empty;
    s->empty = page;
    pthread_cond_signal(&s->done);
    pthread_cond_signal(&s->to_do);
}

static void write_first(struct scribe *s, struct printer *printer)
{
    struct page *page = s->first;
    bool wanted = s->outcome == ERR_AGAIN;
    int error = 0;
    if (page->state == PAGE_FILLED)
        take(s, page);
    s->writing = true;
    pthread_mutex_unlock(&s->lock);
    if (wanted)
        error = write_page(s, page, printer);
    pthread_mutex_lock(&s->lock);
    s->writing = false;
    pass(s, error);
}

/* Prints one whose turn to be written has not come yet. */
static void print_next(struct scribe *s, struct printer *printer)
{
    struct page *page = s->next;
    take(s, page);
    page->text = s->texts[--s->texts_left];
    pthread_mutex_unlock(&s->lock);
    buffer_clear(&page->text);
    page->error = printer ? sheet_print(&page->sheet, printer, &page->text) : -ENOMEM;
    pthread_mutex_lock(&s->lock);
    page->state = PAGE_PRINTED;
    pthread_cond_signal(&s->to_do);
}

/* Does what there is to do, if there is anything. */
static bool help(struct scribe *s, struct printer *printer)
{
    if (s->first && !s->writing && s->first->state != PAGE_TAKEN)
        write_first(s, printer);
    else if (s->next && s->texts_left)
        print_next(s, printer);
    else
        return false;
    return true;
}

static void *run(void *context)
{
    struct scribe *s = context;
    struct printer *printer = printer_new(s->zone);
    pthread_mutex_lock(&s->lock);
    while (!s->stopped)
        if (!help(s, printer))
            pthread_cond_wait(&s->to_do, &s->lock);
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

/* One that cannot be had is not missed. */
static void start_threads(struct scribe *s)
{
    while (s->threads < s->threads_wanted &&
           thread_start(&s->thread[s->threads], run, s) == 0)
        s->threads++;
}

/* The caller does what there is to do, or waits until others have done it. */
static void help_or_wait(struct scribe *s)
{
    if (!s->printer)
        s->printer = printer_new(s->zone);
    if (!help(s, s->printer))
        pthread_cond_wait(&s->done, &s->lock);
}

static void put_last(struct scribe *s, struct page *page)
{
    page->state = PAGE_FILLED;
    page->error = 0;
    *s->end = page;
    s->end = &page->next;
    s->next = s->next ? s->next : page;
    s->bytes += page->sheet.records.length;
    s->lines += page->sheet.lines;
    s->outcome = ERR_AGAIN;
    pthread_cond_signal(&s->to_do);
}

/* Hands the page over that was filled, when there is room for it. The error that came up. Whoever
 * fills a whole one has work for others, too. */
static int hand_over(struct scribe *s)
{
    size_t bytes = s->page->sheet.records.length;
    if (sheet_is_full(&s->page->sheet))
        start_threads(s);
    pthread_mutex_lock(&s->lock);
    while (s->outcome == ERR_AGAIN && s->bytes + bytes > s->most_bytes)
        help_or_wait(s);
    int error = s->outcome == ERR_AGAIN ? 0 : s->outcome;
    if (!error) {
        put_last(s, s->page);
        s->page = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return error;
}

static int take_all(struct scribe *s, struct records *records)
{
    struct deal deal = {.records = records};
    int error = 0;
    while (!error) {
        error = take_page(s);
        if (!error)
            error = sheet_fill(&s->page->sheet, &deal);
        if (!error)
            error = hand_over(s);
    }
    return error == ERR_EOF ? 0 : error;
}

/* Helps until all is written, or something went wrong: the outcome. */
static int help_out(struct scribe *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->outcome == ERR_AGAIN)
        help_or_wait(s);
    pthread_mutex_unlock(&s->lock);
    return s->outcome;
}

int scribe_take(struct scribe *s, struct records *records)
{
    int error = take_all(s, records);
    start_threads(s); /* however little it was, the caller has other things to do */
    if (s->threads)
        return error;
    int written = help_out(s);
    return error ? error : written;
}

int scribe_outcome(const struct scribe *s)
{
    return s->outcome;
}

/* One for each further processor that this process may use. */
static size_t further_processors(void)
{
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0)
        return 0;
    size_t further = (size_t)CPU_COUNT(&processors) - 1;
    return further < MOST_THREADS ? further : MOST_THREADS;
}

int scribe_finish(struct scribe *s, struct records *records)
{
    s->most_bytes = MOST_AT_END;
    s->threads_wanted = further_processors();
    int error = take_all(s, records);
    return error ? error : help_out(s);
}

uint64_t scribe_lines(const struct scribe *s)
{
    return s->lines;
}
