#include "stages/reader/filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/net/link.h"
#include "stages/reader/source_link.h"

/* What a program returns for a frame that it takes: how much of it to keep, which is all. */
enum { KEPT_BYTES = 262144 };

/* The expression, for one link type. */
struct program {
    uint32_t link;
    bool fits;
    struct bpf_program code;
    char misfit[PCAP_ERRBUF_SIZE];
};

struct filter {
    const char *expression;
    const struct program *last; /* the one that was asked last */
    size_t count;
    struct program programs[FILTER_LINKS + 1]; /* room for one that stands for all further ones */
};

static void compile(const char *expression, uint32_t link, struct program *program)
{
    pcap_t *handle = pcap_open_dead(source_link_dlt(link), KEPT_BYTES);
    *program = (struct program){.link = link};
    if (!handle) {
        snprintf(program->misfit, sizeof program->misfit, "%s", error_text(-ENOMEM));
        return;
    }
    program->fits =
        pcap_compile(handle, &program->code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!program->fits)
        snprintf(program->misfit, sizeof program->misfit, "%s", pcap_geterr(handle));
    pcap_close(handle);
}

static const struct program *program_of(struct filter *filter, uint32_t link)
{
    for (size_t i = 0; i < filter->count; i++)
        if (filter->programs[i].link == link)
            return &filter->programs[i];
    struct program *next = &filter->programs[filter->count];
    if (filter->count < FILTER_LINKS) {
        compile(filter->expression, link, next);
        filter->count++;
    } else {
        *next = (struct program){.link = link, .misfit = "there are too many link types"};
    }
    return next;
}

/* A wrong expression fits nothing; one of Wi-Fi's or of cooked frames alone may fit little. */
static bool fits_any(struct filter *filter)
{
    static const uint32_t links[] = {LINK_ETHERNET, LINK_COOKED, LINK_COOKED_V2,
                                     LINK_RAW,      LINK_NULL,   LINK_LOOP};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (program_of(filter, links[i])->fits)
            return true;
    return false;
}

struct filter *filter_new(const char *expression, char *fault, size_t fault_size, int *error)
{
    struct filter *filter = calloc(1, sizeof *filter);
    *error = filter ? 0 : -ENOMEM;
    if (!filter) {
        snprintf(fault, fault_size, "%s", error_text(*error));
        return NULL;
    }
    filter->expression = expression;
    if (fits_any(filter)) {
        filter->last = &filter->programs[0];
        return filter;
    }
    *error = ERR_USAGE;
    snprintf(fault, fault_size, "%s", filter->programs[0].misfit);
    filter_free(&filter);
    return NULL;
}

void filter_free(struct filter **filter)
{
    if (!*filter)
        return;
    for (size_t i = 0; i < (*filter)->count; i++)
        if ((*filter)->programs[i].fits)
            pcap_freecode(&(*filter)->programs[i].code);
    free(*filter);
    *filter = NULL;
}

enum filter_verdict filter_frame(struct filter *filter, const struct frame *frame)
{
    if (filter->last->link != frame->link)
        filter->last = program_of(filter, frame->link);
    if (!filter->last->fits)
        return FILTER_MISFITS;
    struct pcap_pkthdr lengths = {.caplen = (bpf_u_int32)frame->length,
                                  .len = (bpf_u_int32)frame->wire_length};
    return pcap_offline_filter(&filter->last->code, &lengths, frame->bytes) ? FILTER_TAKES
                                                                           : FILTER_LEAVES_OUT;
}

const char *filter_misfit(const struct filter *filter)
{
    return filter->last->misfit;
}
