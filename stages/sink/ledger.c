#include "stages/sink/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/sink/counters.h"

enum { CUT_TEXT = 256 };

static const char *const TOTALS[] = {
    "noip_packets",    "packets_count",   "tcp_packets",
    "tcp_packets_len", "tcp_payload_len", "udp_packets",
    "udp_packets_len", "udp_payload_len", "icmp_packets",
    "other_ip_protocol_packets",
};
enum { TOTALS_COUNT = sizeof TOTALS / sizeof TOTALS[0] };

static const char *const ROLE_NAMES[] = {
    [TAPLINE_READER] = "reader",
    [TAPLINE_TRACKER] = "tracker",
    [TAPLINE_CLASSIFIER] = "classifier",
    [TAPLINE_EXTRACTOR] = "extractor",
};

/* One tracker's side of the sums. */
struct account {
    bool tallied;
    uint64_t sent; /* packets, by the reader's word */
    uint64_t received;
    uint64_t closed;  /* flows, by the tracker's word */
    uint64_t arrived; /* CLOSE events */
};

/* What the trails say of one stage. */
struct passage {
    uint64_t flows;
    uint64_t received;
    uint64_t sent;
    uint64_t records;
};

struct ledger {
    uint32_t trackers;
    uint32_t tallied; /* trackers */
    bool reader_tallied;
    uint64_t read;         /* packets, */
    uint64_t filtered_out; /* and those of them that count nowhere */
    char cut[CUT_TEXT]; /* empty: it did not break off */
    uint64_t totals[TOTALS_COUNT];
    uint64_t closed;    /* flows of all trackers, as far as they tallied */
    uint64_t arrived;   /* CLOSE events */
    uint64_t announced; /* records, by the trails */
    uint64_t records;   /* RECORD events */
    struct passage passages[TAPLINE_EXTRACTOR + 1];
    struct counters *reader_counters;
    struct counters *tracker_counters;
    struct fault broken;
    struct account accounts[];
};

struct ledger *ledger_new(uint32_t trackers)
{
    struct ledger *l = calloc(1, sizeof *l + trackers * sizeof l->accounts[0]);
    if (!l)
        return NULL;
    l->trackers = trackers;
    l->reader_counters = counters_new();
    l->tracker_counters = counters_new();
    if (!l->reader_counters || !l->tracker_counters)
        ledger_free(&l);
    return l;
}

void ledger_free(struct ledger **ledger)
{
    if (!*ledger)
        return;
    counters_free(&(*ledger)->reader_counters);
    counters_free(&(*ledger)->tracker_counters);
    free(*ledger);
    *ledger = NULL;
}

/* A trail begins at the tracker and goes one way, and what a stage hands on the next receives. */
static int check_trail(struct ledger *l, uint64_t flow, const struct event_close *close)
{
    uint64_t sent = 0;
    uint8_t role = TAPLINE_READER;
    for (uint32_t i = 0; i < close->trail_count; i++) {
        const struct trail *t = &close->trail[i];
        if (t->role <= role || t->role > TAPLINE_EXTRACTOR ||
            (i == 0 && t->role != TAPLINE_TRACKER))
            return fault_set(&l->broken, ERR_LOST,
                             "flow %" PRIx64 " came along no path that there is", flow);
        if (t->received != sent)
            return fault_set(&l->broken, ERR_LOST,
                             "flow %" PRIx64 ": the %s sent %" PRIu64
                             " events on, the %s received %" PRIu64,
                             flow, ROLE_NAMES[role], sent, ROLE_NAMES[t->role], t->received);
        sent = t->sent;
        role = t->role;
    }
    if (!close->trail_count || sent)
        return fault_set(&l->broken, ERR_LOST,
                         "flow %" PRIx64 ": the %s sent %" PRIu64
                         " events on, no stage received them",
                         flow, ROLE_NAMES[role], sent);
    return 0;
}

int ledger_close(struct ledger *l, uint64_t flow, const struct event_close *close)
{
    uint64_t tracker = flow >> FLOW_INDEX_SHIFT;
    if (tracker >= l->trackers)
        return fault_set(&l->broken, ERR_LOST,
                         "flow %" PRIx64 " is of tracker %" PRIu64 ", and there are %" PRIu32, flow,
                         tracker, l->trackers);
    int error = check_trail(l, flow, close);
    if (error)
        return error;
    for (uint32_t i = 0; i < close->trail_count; i++) {
        struct passage *passage = &l->passages[close->trail[i].role];
        passage->flows++;
        passage->received += close->trail[i].received;
        passage->sent += close->trail[i].sent;
        passage->records += close->trail[i].records;
        l->announced += close->trail[i].records;
    }
    l->accounts[tracker].arrived++;
    l->arrived++;
    return 0;
}

void ledger_record(struct ledger *l)
{
    l->records++;
}

/* A tally as it stands in the message. */
struct tally {
    uint64_t role;
    uint64_t index;
    uint64_t frames;
    uint64_t filtered_out;
    uint64_t flows;
    struct slice trackers;
    struct slice totals;
    struct slice counters;
    struct slice cut;
};

static bool is(struct slice key, const char *name)
{
    return key.length == strlen(name) && memcmp(key.bytes, name, key.length) == 0;
}

static void read_tally_pair(struct tally *t, struct unpack *from)
{
    struct slice key = unpack_str(from);
    if (is(key, "role"))
        t->role = unpack_uint(from);
    else if (is(key, "index"))
        t->index = unpack_uint(from);
    else if (is(key, "frames"))
        t->frames = unpack_uint(from);
    else if (is(key, "filtered_out"))
        t->filtered_out = unpack_uint(from);
    else if (is(key, "flows"))
        t->flows = unpack_uint(from);
    else if (is(key, "trackers"))
        t->trackers = unpack_raw(from);
    else if (is(key, "totals"))
        t->totals = unpack_raw(from);
    else if (is(key, "counters"))
        t->counters = unpack_raw(from);
    else if (is(key, "cut") && unpack_type(from) == UNPACK_STR)
        t->cut = unpack_str(from);
    else
        unpack_skip(from);
}

static int enter_reader(struct ledger *l, const struct tally *t)
{
    if (l->reader_tallied)
        return fault_set(&l->broken, ERR_LOST, "the reader tallied twice");
    struct unpack sent = unpack_over(t->trackers.bytes, t->trackers.length);
    if (unpack_array(&sent) != l->trackers || t->filtered_out > t->frames)
        return sent.error ? sent.error : ERR_MALFORMED;
    for (uint32_t i = 0; i < l->trackers; i++)
        l->accounts[i].sent = unpack_uint(&sent);
    snprintf(l->cut, sizeof l->cut, "%.*s",
             t->cut.length < CUT_TEXT ? (int)t->cut.length : CUT_TEXT - 1,
             t->cut.length ? (const char *)t->cut.bytes : "");
    l->read = t->frames;
    l->filtered_out = t->filtered_out;
    l->reader_tallied = true;
    return sent.error ? sent.error : counters_add(l->reader_counters, t->counters);
}

static int enter_totals(struct ledger *l, struct slice totals)
{
    struct unpack from = unpack_over(totals.bytes, totals.length);
    uint32_t pairs = unpack_map(&from);
    for (uint32_t pair = 0; pair < pairs && !from.error; pair++) {
        struct slice key = unpack_str(&from);
        uint64_t value = unpack_uint(&from);
        for (size_t i = 0; i < TOTALS_COUNT; i++)
            if (is(key, TOTALS[i]))
                l->totals[i] += value;
    }
    return from.error;
}

static int enter_tracker(struct ledger *l, const struct tally *t)
{
    if (t->index >= l->trackers)
        return ERR_MALFORMED;
    struct account *account = &l->accounts[t->index];
    if (account->tallied)
        return fault_set(&l->broken, ERR_LOST, "tracker %" PRIu64 " tallied twice", t->index);
    account->tallied = true;
    account->received = t->frames;
    account->closed = t->flows;
    l->closed += t->flows;
    l->tallied++;
    int error = enter_totals(l, t->totals);
    return error ? error : counters_add(l->tracker_counters, t->counters);
}

int ledger_tally(struct ledger *l, struct unpack *map)
{
    struct tally tally = {0};
    uint32_t pairs = unpack_map(map);
    for (uint32_t i = 0; i < pairs && !map->error; i++)
        read_tally_pair(&tally, map);
    if (map->error)
        return map->error;
    if (tally.role == TAPLINE_READER)
        return enter_reader(l, &tally);
    return tally.role == TAPLINE_TRACKER ? enter_tracker(l, &tally) : ERR_MALFORMED;
}

/* The sums of each tracker; enough closes have come, so that each must have its own. */
static void check_accounts(struct ledger *l)
{
    uint64_t sent = 0;
    for (uint32_t i = 0; i < l->trackers; i++) {
        const struct account *a = &l->accounts[i];
        sent += a->sent;
        if (a->sent != a->received)
            fault_set(&l->broken, ERR_LOST,
                      "the reader sent tracker %" PRIu32 " %" PRIu64
                      " packets, it received %" PRIu64,
                      i, a->sent, a->received);
        if (a->arrived != a->closed)
            fault_set(&l->broken, ERR_LOST,
                      "tracker %" PRIu32 " closed %" PRIu64 " flows, %" PRIu64 " closes came", i,
                      a->closed, a->arrived);
    }
    if (sent != ledger_packets(l))
        fault_set(&l->broken, ERR_LOST,
                  "the capture has %" PRIu64 " packets, the reader sent the trackers %" PRIu64,
                  ledger_packets(l), sent);
}

/* A record travels its flow's way, ahead of the close: with the closes, all records are here. */
static void check_all(struct ledger *l)
{
    uint64_t counted = ledger_total(l, "packets_count");
    check_accounts(l);
    if (counted != ledger_packets(l))
        fault_set(&l->broken, ERR_LOST,
                  "the capture has %" PRIu64 " packets, the trackers counted %" PRIu64,
                  ledger_packets(l), counted);
    if (l->announced != l->records)
        fault_set(&l->broken, ERR_LOST,
                  "%" PRIu64 " records were sent ahead of their flows' closes, %" PRIu64 " came",
                  l->announced, l->records);
}

enum ledger_state ledger_state(struct ledger *l, struct fault *fault)
{
    bool tallied = l->reader_tallied && l->tallied == l->trackers;
    bool ready = tallied && l->arrived >= l->closed;
    if (ready && !l->broken.error)
        check_all(l);
    if (l->broken.error) {
        *fault = l->broken;
        return LEDGER_BROKEN;
    }
    return ready ? LEDGER_AGREES : LEDGER_OPEN;
}

uint64_t ledger_packets(const struct ledger *l)
{
    return l->read - l->filtered_out;
}

uint64_t ledger_filtered_out(const struct ledger *l)
{
    return l->filtered_out;
}

const char *ledger_cut(const struct ledger *l)
{
    return l->cut[0] ? l->cut : NULL;
}

uint64_t ledger_total(const struct ledger *l, const char *key)
{
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        if (strcmp(key, TOTALS[i]) == 0)
            return l->totals[i];
    return 0;
}

uint64_t ledger_counter(const struct ledger *l, const char *name)
{
    return counters_value(l->tracker_counters, name) + counters_value(l->reader_counters, name);
}

void ledger_write_totals(const struct ledger *l, struct buffer *to)
{
    struct jsonw w = jsonw_to(to);
    jsonw_open_object(&w);
    for (size_t i = 0; i < TOTALS_COUNT; i++) {
        jsonw_key(&w, TOTALS[i]);
        jsonw_uint(&w, l->totals[i]);
    }
    jsonw_close_object(&w);
}

static void write_number(struct jsonw *w, const char *key, uint64_t value)
{
    jsonw_key(w, key);
    jsonw_uint(w, value);
}

static void write_packets(const struct ledger *l, struct jsonw *w)
{
    jsonw_key(w, "packets");
    jsonw_open_object(w);
    write_number(w, "read", l->read);
    write_number(w, "filtered_out", l->filtered_out);
    jsonw_key(w, "trackers");
    jsonw_open_array(w);
    for (uint32_t i = 0; i < l->trackers; i++) {
        jsonw_open_object(w);
        write_number(w, "sent", l->accounts[i].sent);
        write_number(w, "received", l->accounts[i].received);
        write_number(w, "flows_closed", l->accounts[i].closed);
        write_number(w, "closes_received", l->accounts[i].arrived);
        jsonw_close_object(w);
    }
    jsonw_close_array(w);
    jsonw_close_object(w);
}

static void write_passages(const struct ledger *l, struct jsonw *w)
{
    jsonw_key(w, "stages");
    jsonw_open_object(w);
    for (int role = TAPLINE_TRACKER; role <= TAPLINE_EXTRACTOR; role++) {
        const struct passage *p = &l->passages[role];
        jsonw_key(w, ROLE_NAMES[role]);
        jsonw_open_object(w);
        write_number(w, "flows", p->flows);
        write_number(w, "events_received", p->received);
        write_number(w, "events_handed_on", p->sent);
        write_number(w, "records_sent_ahead", p->records);
        jsonw_close_object(w);
    }
    jsonw_key(w, "sink");
    jsonw_open_object(w);
    write_number(w, "closes_received", l->arrived);
    write_number(w, "records_received", l->records);
    jsonw_close_object(w);
    jsonw_close_object(w);
}

void ledger_write(const struct ledger *l, struct jsonw *w)
{
    write_packets(l, w);
    write_passages(l, w);
    jsonw_key(w, "counters");
    jsonw_open_object(w);
    jsonw_key(w, "reader");
    counters_write(l->reader_counters, w);
    jsonw_key(w, "tracker");
    counters_write(l->tracker_counters, w);
    jsonw_close_object(w);
    jsonw_key(w, "cut");
    if (l->cut[0])
        jsonw_text(w, l->cut, strlen(l->cut));
    else
        jsonw_null(w);
}
