#include "stages/sink/results.h"

#include <errno.h>
#include <string.h>
#include <tapline/version.h>

#include "common/base/error.h"
#include "common/base/jsonw.h"
#include "stages/sink/layout.h"
#include "stages/sink/value.h"
#include "stages/sink/writer.h"

/* Writes a file of one line. */
static int write_small(const struct results *r, const char *name, struct buffer *text)
{
    buffer_append(text, "\n", 1);
    int error = text->failed ? -ENOMEM : writer_file(r->directory, name, text->bytes, text->length);
    buffer_free(text);
    return error;
}

static int write_totals(const struct results *r)
{
    struct buffer text = {0};
    ledger_write_totals(r->ledger, &text);
    return write_small(r, TOTALS_FILE, &text);
}

static void append_text(struct buffer *to, const char *text)
{
    buffer_append(to, text, strlen(text));
}

/* "name: value" for every pair of a msgpack map, a line each. */
static void append_pairs(struct buffer *to, struct slice map, struct stamp *stamp)
{
    struct unpack from = unpack_over(map.bytes, map.length);
    uint32_t pairs = unpack_map(&from);
    for (uint32_t i = 0; i < pairs && !from.error; i++) {
        struct jsonw w = jsonw_to(to);
        struct slice name = unpack_str(&from);
        buffer_append(to, "\n", 1);
        buffer_append(to, name.bytes, name.length);
        append_text(to, ": ");
        value_write(&w, &from, stamp);
    }
}

/* A human's account of the run. */
static int write_logs(const struct results *r, const struct buffer *summary)
{
    struct buffer text = {0};
    struct jsonw w = jsonw_to(&text);
    struct unpack sources = unpack_over(r->capture->sources.bytes, r->capture->sources.length);
    append_text(&text, "tapline " TAPLINE_VERSION "\ncapture: ");
    value_write(&w, &sources, r->stamp);
    append_text(&text, "\nattempt: ");
    w = jsonw_to(&text);
    jsonw_uint(&w, r->capture->attempt);
    if (ledger_cut(r->ledger)) {
        append_text(&text, "\nThe capture broke off: ");
        append_text(&text, ledger_cut(r->ledger));
    }
    append_pairs(&text, (struct slice){summary->bytes, summary->length}, r->stamp);
    return write_small(r, LOGS_FILE, &text);
}

static int write_ledger(const struct results *r, uint64_t early)
{
    const uint64_t *lines = record_files_lines(r->files);
    struct buffer text = {0};
    struct jsonw w = jsonw_to(&text);
    struct unpack sources = unpack_over(r->capture->sources.bytes, r->capture->sources.length);
    jsonw_open_object(&w);
    jsonw_key(&w, "version");
    jsonw_text(&w, TAPLINE_VERSION, strlen(TAPLINE_VERSION));
    jsonw_key(&w, "sources");
    value_write(&w, &sources, r->stamp);
    jsonw_key(&w, "request");
    jsonw_raw(&w, r->capture->request.bytes, r->capture->request.length);
    jsonw_key(&w, "attempt");
    jsonw_uint(&w, r->capture->attempt);
    ledger_write(r->ledger, &w);
    jsonw_key(&w, "files");
    jsonw_open_object(&w);
    for (size_t i = 0; i < RECORD_FILES; i++) {
        jsonw_key(&w, RECORD_FILE_NAMES[i]);
        jsonw_uint(&w, lines[i]);
    }
    jsonw_close_object(&w);
    jsonw_key(&w, "certificates");
    jsonw_uint(&w, certs_count(r->certs));
    jsonw_key(&w, "sorting_spilled_bytes");
    jsonw_uint(&w, records_spilled(r->records));
    jsonw_key(&w, "lines_written_early");
    jsonw_uint(&w, early);
    jsonw_key(&w, "sums_agree");
    jsonw_bool(&w, true);
    jsonw_close_object(&w);
    return write_small(r, LEDGER_FILE, &text);
}

int results_write(const struct results *r, struct buffer *summary)
{
    uint64_t early = scribe_lines(r->scribe);
    int error = scribe_finish(r->scribe, r->records);
    if (!error)
        error = record_files_finish(r->files);
    if (error)
        return error;
    summary_pack(r->summary, r->ledger, record_files_lines(r->files), certs_count(r->certs),
                 r->stamp, summary);
    error = summary->failed ? -ENOMEM : write_totals(r);
    if (!error)
        error = write_logs(r, summary);
    return error ? error : write_ledger(r, early);
}
