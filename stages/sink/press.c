#include "stages/sink/press.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "stages/sink/printer.h"
#include "stages/sink/sheet.h"
#include "stages/sink/thread.h"

/* More helpers have little left to do beside whoever deals. */
enum { PRESS_HELPERS = 3, LEAVES = 8 };

enum leaf_state {
    LEAF_EMPTY,
    LEAF_FILLED,
    LEAF_TAKEN, /* by whoever prints it */
    LEAF_PRINTED,
};

/* A sheet and what it becomes. */
struct leaf {
    enum leaf_state state;
    struct sheet sheet;
    struct buffer text;
    int error;
};

/* Leaves go round: they are filled and read by the caller's thread, and printed by all. Each of the
 * three counts the leaves that it is done with. */
struct press {
    struct deal deal;
    struct slice zone;
    struct printer *printer; /* the caller's; each helper has its own */
    bool lent;               /* the caller has the text of the leaf to read */
    uint64_t filled;
    uint64_t read;
    bool started;
    size_t helpers;
    pthread_t threads[PRESS_HELPERS];
    pthread_mutex_t lock; /* of what follows: the leaves' states, above all */
    pthread_cond_t to_print;
    pthread_cond_t to_read;
    uint64_t taken;
    bool stopped;
    struct leaf leaves[LEAVES];
};

struct press *press_new(struct records *records, struct slice zone)
{
    struct press *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->deal.records = records;
    p->zone = zone;
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
    for (size_t i = 0; i < LEAVES; i++) {
        sheet_free(&p->leaves[i].sheet);
        buffer_free(&p->leaves[i].text);
    }
    free(p);
    *press = NULL;
}

/* The next leaf to print, NULL where there is none; with the lock held. */
static struct leaf *take_leaf(struct press *p)
{
    struct leaf *leaf = &p->leaves[p->taken % LEAVES];
    if (leaf->state != LEAF_FILLED)
        return NULL;
    leaf->state = LEAF_TAKEN;
    p->taken++;
    return leaf;
}

/* Prints a leaf that was taken; the lock is held but for that time. */
static void print_leaf(struct press *p, struct printer *printer, struct leaf *leaf)
{
    pthread_mutex_unlock(&p->lock);
    buffer_clear(&leaf->text);
    leaf->error = printer ? sheet_print(&leaf->sheet, printer, &leaf->text) : -ENOMEM;
    pthread_mutex_lock(&p->lock);
    leaf->state = LEAF_PRINTED;
    pthread_cond_signal(&p->to_read);
}

static void *run(void *context)
{
    struct press *p = context;
    struct printer *printer = printer_new(p->zone);
    pthread_mutex_lock(&p->lock);
    while (!p->stopped) {
        struct leaf *leaf = take_leaf(p);
        if (leaf)
            print_leaf(p, printer, leaf);
        else
            pthread_cond_wait(&p->to_print, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    printer_free(&printer);
    return NULL;
}

/* A helper for each further processor that this process may use; one that cannot be had is not
 * missed. */
static void start_helpers(struct press *p)
{
    cpu_set_t processors;
    p->started = true;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0)
        return;
    while (p->helpers < PRESS_HELPERS && p->helpers + 1 < (size_t)CPU_COUNT(&processors) &&
           thread_start(&p->threads[p->helpers], run, p) == 0)
        p->helpers++;
}

/* Fills all leaves that are empty. Whoever fills a whole one has work for others, too. */
static int fill_leaves(struct press *p)
{
    while (p->filled - p->read < LEAVES) {
        struct leaf *leaf = &p->leaves[p->filled % LEAVES];
        int error = sheet_fill(&leaf->sheet, &p->deal);
        if (error)
            return error == ERR_EOF ? 0 : error;
        pthread_mutex_lock(&p->lock);
        leaf->state = LEAF_FILLED;
        p->filled++;
        pthread_cond_signal(&p->to_print);
        pthread_mutex_unlock(&p->lock);
        if (!p->started && sheet_is_full(&leaf->sheet))
            start_helpers(p);
    }
    return 0;
}

/* Waits until the leaf is printed, and prints whatever can be printed meanwhile. */
static void await(struct press *p, const struct leaf *leaf)
{
    pthread_mutex_lock(&p->lock);
    while (leaf->state != LEAF_PRINTED) {
        struct leaf *other = take_leaf(p);
        if (other)
            print_leaf(p, p->printer, other);
        else
            pthread_cond_wait(&p->to_read, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

/* The text that was handed out is not needed any more. */
static void take_back(struct press *p)
{
    struct leaf *leaf = &p->leaves[p->read++ % LEAVES];
    sheet_clear(&leaf->sheet);
    pthread_mutex_lock(&p->lock);
    leaf->state = LEAF_EMPTY;
    pthread_mutex_unlock(&p->lock);
    p->lent = false;
}

int press_next(struct press *p, struct block *block)
{
    if (p->lent)
        take_back(p);
    int error = fill_leaves(p);
    if (error)
        return error;
    if (p->read == p->filled)
        return ERR_EOF;
    const struct leaf *leaf = &p->leaves[p->read % LEAVES];
    await(p, leaf);
    p->lent = true;
    *block = (struct block){
        leaf->sheet.file, leaf->sheet.lines, {leaf->text.bytes, leaf->text.length}};
    return leaf->error;
}
