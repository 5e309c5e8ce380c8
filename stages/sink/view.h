/*
 * A flow as its records show it: what the tracker counted, from the side that is named first.
 */
#ifndef TAPLINE_SINK_VIEW_H
#define TAPLINE_SINK_VIEW_H

#include "common/wire/event.h"
#include "stages/sink/schema.h"

/** Two directions: 0 from the side that is named first, 1 from the other. */
struct view {
    struct slice flow; /* the flow's own ip_port, the initiator's side first; borrowed */
    uint64_t first;    /* the side that is named first: FROM_INITIATOR or FROM_RESPONDER */
    int64_t start_ns;
    int64_t end_ns;
    uint64_t packets[DIRECTIONS];
    uint64_t bytes[DIRECTIONS];
    uint64_t syn, fin, rst;
    int64_t rtt_ns;
};

/** A flow seen from its `first` side. Its ip_port is made in `text`, which must outlive the view.
 */
struct view view_of(const struct figures *figures, uint64_t first, char text[IP_PORT_TEXT]);

/** Appends all but the flow's ip_port, in few bytes; `to` says whether there was memory. */
void view_store(const struct view *view, struct buffer *to);

/** Reads what view_store wrote, with the flow's ip_port, which is kept elsewhere. `from` says
 *  whether it was whole. */
struct view view_load(struct unpack *from, struct slice flow);

/** The ip_port that is shown; made in `text` where it is another than the flow's. */
struct slice view_ip_port(const struct view *view, char text[IP_PORT_TEXT]);

/** What it gives for a field that counts something, */
uint64_t view_count(const struct view *view, enum field_kind kind);

/** and for the round trip of its handshake, in milliseconds. */
double view_rtt_ms(const struct view *view);

#endif
