#include "stages/reader/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/wire/pack.h"
#include "stages/reader/description.h"
#include "stages/reader/merge.h"
#include "stages/reader/playing.h"
#include "stages/reader/progress.h"
#include "stages/reader/source_link.h"

/* Frames between two looks at the inboxes. */
enum { BURST = 1024 };

#define SECONDS(n) (INT64_C(1000000000) * (n))

/* The sink checks a directory and makes one: a wait longer than this is no disk any more. */
#define ACCEPT_NS SECONDS(60)

/* A sink acts on the word within WORD_NS of asking for it (stages/sink/sink.h) and never later, so
 * that behind this wait, which is longer, it either has published or will not. */
#define OUTCOME_NS SECONDS(15)

enum state {
    OPENING,    /* the captures, anew for each attempt */
    GATHERING,  /* waiting for enough workers */
    ACCEPTING,  /* the sink is looking at OUT */
    READING,    /* playing frames */
    PUBLISHING, /* everything is on its way; the sink has the next word */
    GRANTED,    /* the sink has our word, and publishes */
    OVER,
};

struct run {
    struct stage *stage;
    const struct run_settings *settings;
    struct run_order order;
    struct remarks *remarks;
    struct spools *spools; /* NULL: nothing is kept, as nothing is played again */
    struct stock *stock; /* of this attempt; NULL: packets are sent */
    struct window_memory memory;
    bool starved; /* there was no free piece of the stock just now */
    struct merge *merge;
    struct progress *progress;
    struct playing *playing; /* the attempt under way; NULL while workers are waited for */
    uint64_t filtered_out; /* frames of this attempt that the filter left out, */
    uint64_t misfits;      /* and of these: it does not fit their link type */
    struct buffer sources;
    struct buffer summary;
    enum state state;
    int64_t deadline_ns; /* of every state but OPENING and READING */
    uint64_t capture;    /* its id */
    uint64_t attempt;
    /* What a message said that ends this attempt; acted upon outside of that message's session. */
    enum exit_status refused; /* EXIT_DONE: nothing */
    bool final;               /* another attempt would come to the same */
    char fault[1024];
    enum exit_status status;
};

struct run *run_new(struct stage *stage, const struct run_settings *settings,
                    const struct run_order *order, struct remarks *remarks)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->stage = stage;
    run->settings = settings;
    run->order = *order;
    run->remarks = remarks;
    run->status = EXIT_PIPELINE;
    if (settings->retries)
        run->spools = spools_new(settings->spool);
    int error = description_sources(&run->sources, order->paths, order->count);
    if (getrandom(&run->capture, sizeof run->capture, 0) < 0 || error ||
        (settings->retries && !run->spools))
        run_free(&run);
    else
        run->capture |= 1; /* 0 means: of no capture */
    return run;
}

/* ---- how attempts end --------------------------------------------------------------------- */

static void set_state(struct run *run, enum state state, int64_t limit_ns)
{
    run->state = state;
    run->deadline_ns = stage_now() + limit_ns;
}

/* The run has come to this. */
static int over(struct run *run, enum exit_status status)
{
    run->status = status;
    run->state = OVER;
    progress_free(&run->progress);
    playing_end(&run->playing);
    return 0;
}

static int fail(struct run *run, enum exit_status status, const char *text)
{
    progress_free(&run->progress);
    remark(run->remarks, LOG_ERROR, "%s", text);
    return over(run, status);
}

/* Why this attempt is the last: NULL: it is not. */
static const char *no_more(const struct run *run)
{
    static char text[300];
    const char *unkept = run->spools ? spools_fault(run->spools) : NULL;
    if (run->attempt <= run->settings->retries && !unkept)
        return NULL;
    if (unkept)
        snprintf(text, sizeof text, "the capture cannot be played again, as it %s", unkept);
    else
        snprintf(text, sizeof text, "given up after %" PRIu64 " attempt%s", run->attempt,
                 run->attempt == 1 ? "" : "s");
    return text;
}

/* This attempt came to nothing: everybody forgets it, and the capture is played again. */
static int throw_away(struct run *run, enum exit_status status, const char *cause)
{
    char text[1500];
    const char *last = no_more(run);
    bool unsure = run->state == GRANTED;
    if (last) {
        snprintf(text, sizeof text, "%s; %s%s", cause, last,
                 unsure ? "; the results may be in place all the same" : "; nothing was published");
        return fail(run, status, text);
    }
    progress_free(&run->progress);
    stage_watch_descriptor(run->stage, -1);
    remark(run->remarks, LOG_WARNING,
           "attempt %" PRIu64 " came to nothing: %s; the capture is played again", run->attempt,
           cause);
    playing_end(&run->playing);
    run->refused = EXIT_DONE;
    run->state = OPENING;
    return 0;
}

/* A piece of the stock. Before the attempt there are enough: each source has only one. */
static uint8_t *take_piece(void *context, int *error)
{
    struct run *run = context;
    if (!run->playing) {
        uint8_t *piece = stock_take(run->stock);
        *error = piece ? 0 : -ENOMEM;
        return piece;
    }
    uint8_t *piece = playing_take_piece(run->playing, run->stock, error);
    run->starved = *error == ERR_AGAIN;
    return piece;
}

static void give_piece(void *context, const uint8_t *piece)
{
    const struct run *run = context;
    stock_give(run->stock, piece);
}

/* Of small captures the bytes are sent: that takes less than to open a stock in every worker. And
 * so they are where the system has no such memory. */
static void open_stock(struct run *run)
{
    int error;
    uint64_t size = description_size(run->order.paths, run->order.count);
    stock_free(&run->stock);
    if (size >= run->settings->share_from && bus_realm(stage_bus(run->stage)))
        run->stock = stock_new(&error);
    run->memory = (struct window_memory){take_piece, give_piece, run};
}

static int open_captures(struct run *run)
{
    char fault[512];
    int error;
    merge_free(&run->merge);
    open_stock(run);
    run->filtered_out = run->misfits = 0;
    run->merge = merge_open(run->order.paths, run->order.count, run->spools,
                            run->stock ? &run->memory : NULL, fault, sizeof fault, &error);
    if (!run->merge)
        return error == ERR_STOPPED ? error : fail(run, error_exit(error), fault);
    set_state(run, GATHERING, run->settings->gather_ns);
    return 0;
}

static struct slice text_slice(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* ---- gathering ---------------------------------------------------------------------------- */

static bool gathered(const struct run *run)
{
    const struct run_settings *o = run->settings;
    const struct peers *peers = stage_peers(run->stage);
    return peers_count(peers, TAPLINE_TRACKER) >= o->trackers &&
           peers_count(peers, TAPLINE_CLASSIFIER) >= o->classifiers &&
           peers_count(peers, TAPLINE_EXTRACTOR) >= o->extractors &&
           peers_count(peers, TAPLINE_SINK) >= o->sinks;
}

static int begin(struct run *run)
{
    int error;
    run->attempt++;
    struct capture capture = {
        .id = run->capture,
        .attempt = run->attempt,
        .reader = bus_sender(stage_bus(run->stage)),
        .control = text_slice(stage_control_endpoint(run->stage)),
        .key = text_slice(bus_key(stage_bus(run->stage))),
        .out = text_slice(run->order.out),
        .zone = text_slice(description_zone()),
        .profile = run->settings->profile,
        .sources = {run->sources.bytes, run->sources.length},
        .request = text_slice(run->settings->request),
        .limits = run->settings->limits,
        .early = run->attempt == 1 && run->settings->retries > 0,
    };
    run->playing = playing_begin(run->stage, &capture, run, run->stock, run->remarks,
                                 &error);
    set_state(run, ACCEPTING, ACCEPT_NS);
    return error;
}

/* One of each is enough for another attempt, where some did not come again in time. */
static bool enough(const struct run *run)
{
    const struct peers *peers = stage_peers(run->stage);
    for (int role = TAPLINE_TRACKER; role <= TAPLINE_SINK; role++)
        if (!peers_count(peers, (enum tapline_role)role))
            return false;
    return run->attempt > 0;
}

static int incomplete(struct run *run)
{
    const struct peers *peers = stage_peers(run->stage);
    char text[256];
    if (!peers_slots(peers)) /* not even this process itself is on a roster */
        return fail(run, EXIT_PIPELINE, "nothing was heard of the pipeline's lobby: is it up?");
    snprintf(text, sizeof text,
             "the pipeline is not complete: %u trackers, %u classifiers, %u extractors and %u "
             "sinks are there; see what the missing ones said, or wait longer (--gather)",
             peers_count(peers, TAPLINE_TRACKER), peers_count(peers, TAPLINE_CLASSIFIER),
             peers_count(peers, TAPLINE_EXTRACTOR), peers_count(peers, TAPLINE_SINK));
    return fail(run, EXIT_PIPELINE, text);
}

static int gather(struct run *run)
{
    if (gathered(run))
        return begin(run);
    if (stage_now() < run->deadline_ns)
        return ERR_AGAIN;
    return enough(run) ? begin(run) : incomplete(run);
}

/* ---- playing ------------------------------------------------------------------------------ */

static int finish(struct run *run)
{
    struct reading reading = {.frames = merge_frames(run->merge),
                              .filtered_out = run->filtered_out,
                              .misfits = run->misfits};
    reading.cut = merge_cut(run->merge, &reading.cuts);
    int error = playing_finish(run->playing, &reading);
    progress_free(&run->progress);
    stage_watch_descriptor(run->stage, -1);
    set_state(run, PUBLISHING,
              run->settings->publish_ns +
                  SECONDS((int64_t)(playing_bytes(run->playing) / (10 << 20))));
    return error;
}

/* Such frames are left out, and that is said once: all of a capture may be of that link type. */
static void misfit(struct run *run, uint32_t link)
{
    if (run->misfits++ == 0)
        remark(run->remarks, LOG_WARNING,
               "frames of link type %u (%s) are left out, as the filter does not fit them: %s",
               link, source_link_name(link), filter_misfit(run->settings->filter));
}

/* Whether the filter takes a frame, which then gets its number among those that were taken. */
static bool takes(struct run *run, struct frame *frame)
{
    enum filter_verdict verdict = filter_frame(run->settings->filter, frame);
    if (verdict == FILTER_MISFITS)
        misfit(run, frame->link);
    if (verdict != FILTER_TAKES)
        run->filtered_out++;
    frame->number -= run->filtered_out;
    return verdict == FILTER_TAKES;
}

static int read_on(struct run *run)
{
    bool filtered = run->settings->filter != NULL;
    run->starved = false;
    uint64_t before = merge_frames(run->merge);
    int error = 0;
    for (int i = 0; i < BURST && !error; i++) {
        struct frame *frame;
        error = merge_next(run->merge, &frame);
        if (error == ERR_EOF || error == ERR_TRUNCATED)
            return finish(run);
        if (!error && (!filtered || takes(run, frame)))
            error = playing_frame(run->playing, frame);
    }
    uint64_t done, size;
    merge_position(run->merge, &done, &size);
    progress_show(run->progress, playing_frames(run->playing), done, size, (uint64_t)stage_now());
    if (error != ERR_AGAIN)
        return error;
    if (run->starved) /* it was waited a moment; what was said meanwhile is heard before more is */
        return 0;
    /* The source is quiet. While it is waited for, the stage sends what is in batches. */
    stage_watch_descriptor(run->stage, merge_descriptor(run->merge));
    return merge_frames(run->merge) > before ? 0 : ERR_AGAIN;
}

/* What ends this attempt: something that was said, something lost, or a wait at its limit. */
static const char *broken(struct run *run, enum exit_status *status)
{
    *status = run->refused ? run->refused : EXIT_PIPELINE;
    if (run->state == OVER)
        return NULL;
    if (run->refused)
        return run->fault;
    const char *fault = run->playing ? playing_fault(run->playing) : "";
    bool late = stage_now() >= run->deadline_ns;
    switch (run->state) {
    case ACCEPTING: return *fault ? fault : late ? "the sink did not say whether it accepts" : NULL;
    case READING: return *fault ? fault : NULL;
    case PUBLISHING: return *fault ? fault : late ? "the sink did not finish in time" : NULL;
    case GRANTED: return !late ? NULL : *fault ? fault : "the sink did not say what became of it";
    case OPENING:
    case GATHERING:
    case OVER: return NULL;
    }
    return NULL;
}

static int step(struct run *run)
{
    switch (run->state) {
    case OPENING: return open_captures(run);
    case GATHERING: return gather(run);
    case READING: return read_on(run);
    case ACCEPTING:
    case PUBLISHING:
    case GRANTED: return ERR_AGAIN;
    case OVER: break;
    }
    playing_end(&run->playing);
    return ERR_EOF;
}

int run_step(struct run *run)
{
    enum exit_status status;
    const char *cause = broken(run, &status);
    if (cause && run->final)
        return fail(run, status, cause);
    if (cause)
        return throw_away(run, status, cause);
    int rc = step(run);
    if (!rc || rc == ERR_AGAIN || rc == ERR_EOF || rc == ERR_STOPPED)
        return rc;
    if (rc != ERR_LOST)
        return fail(run, error_exit(rc), error_text(rc));
    const char *fault = run->playing ? playing_fault(run->playing) : "";
    return throw_away(run, EXIT_PIPELINE, *fault ? fault : error_text(rc));
}

/* ---- what the others say ------------------------------------------------------------------ */

static void answer_ask(struct run *run)
{
    bool yes = run->state == PUBLISHING || run->state == GRANTED;
    if (playing_word(run->playing, yes) && yes)
        set_state(run, GRANTED, OUTCOME_NS);
}

static void published(struct run *run, struct slice summary)
{
    uint64_t cuts;
    const char *cut = merge_cut(run->merge, &cuts);
    if (cut)
        remark(run->remarks, LOG_WARNING,
               "the capture broke off: %s; everything before that counts", cut);
    buffer_append(&run->summary, summary.bytes, summary.length);
    run->status = cut ? EXIT_CUT : EXIT_DONE;
    run->state = OVER;
}

/* Keeps what was said for the next step. What the sink says before it begins (`final`: of OUT, of
 * listeners that did not come), and wrong use, would be said again. */
static void refuse(struct run *run, enum exit_status status, bool final, struct slice text)
{
    if (run->refused)
        return;
    run->refused = status == EXIT_WRONG_USE || status == EXIT_OUTPUT ? status : EXIT_PIPELINE;
    run->final = status == EXIT_WRONG_USE || final;
    snprintf(run->fault, sizeof run->fault, "%.*s", (int)text.length,
             (const char *)text.bytes);
}

static void accepted(struct run *run, bool opens)
{
    if (run->state != ACCEPTING)
        return;
    if (opens && playing_set_opens(run->playing) != 0) {
        refuse(run, EXIT_PIPELINE, false, text_slice("out of memory"));
        return;
    }
    run->state = READING;
    run->progress = progress_new(STDERR_FILENO, run->settings->quiet, (uint64_t)stage_now());
}

int run_message(struct run *run, const struct message_head *head, struct unpack *body)
{
    if (run->state == OVER || !run->playing)
        return 0;
    if (head->kind == TAPLINE_ASK) {
        answer_ask(run);
        return 0;
    }
    uint32_t fields = unpack_array_of(body, head->kind == TAPLINE_OUTCOME ? 3 : 2);
    uint64_t status = unpack_uint(body);
    struct slice text = unpack_str(body);
    struct slice summary = head->kind == TAPLINE_OUTCOME ? unpack_str(body) : (struct slice){0};
    bool opens = head->kind == TAPLINE_ACCEPT && fields > 2 && unpack_bool(body);
    if (body->error)
        refuse(run, EXIT_PIPELINE, false, text_slice("a worker's answer cannot be read"));
    else if (head->kind == TAPLINE_OUTCOME && (status == EXIT_DONE || status == EXIT_CUT))
        published(run, summary);
    else if (head->kind == TAPLINE_ACCEPT && status == EXIT_DONE)
        accepted(run, opens);
    else
        refuse(run, (enum exit_status)status, head->kind == TAPLINE_ACCEPT, text);
    return 0;
}

void run_released(struct run *run)
{
    if (run->playing)
        playing_released(run->playing);
}

void run_hide(struct run *run)
{
    progress_free(&run->progress);
}

enum exit_status run_status(const struct run *run)
{
    return run->status;
}

struct slice run_summary(const struct run *run)
{
    return (struct slice){run->summary.bytes, run->summary.length};
}

void run_free(struct run **run)
{
    if (!*run)
        return;
    playing_end(&(*run)->playing);
    merge_free(&(*run)->merge);
    stock_free(&(*run)->stock);
    spools_free(&(*run)->spools);
    progress_free(&(*run)->progress);
    buffer_free(&(*run)->sources);
    buffer_free(&(*run)->summary);
    free(*run);
    *run = NULL;
}
