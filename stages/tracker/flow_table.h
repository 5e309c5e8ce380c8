/*
 * The flows that are open: found by their endpoints, whoever sent the packet, and by their id.
 *
 * Flows lie in slabs and stay where they are for their life; two tables with open addressing lead
 * to them. Nothing is allocated but to grow.
 */
#ifndef TAPLINE_TRACKER_FLOW_TABLE_H
#define TAPLINE_TRACKER_FLOW_TABLE_H

#include <stdint.h>

#include "common/net/packet.h"
#include "stages/tracker/flow.h"

struct flow_table;

/** An empty table; NULL: no memory. The seed keeps senders from choosing who collides. */
struct flow_table *flow_table_new(uint64_t seed);

/** Frees the table, its flows and what waits in them; accepts NULL. */
void flow_table_free(struct flow_table **table);

/** The hash of a packet's endpoints, the same in both directions. */
uint32_t flow_table_hash(const struct flow_table *table, const struct packet *packet);

/** Packets of flows with that hash come next: has the table's own places for it fetched into the
 *  cache and, called when these are there, the flow that it most likely is; NULL: there is none. */
void flow_table_expect(const struct flow_table *table, uint32_t hash);
struct flow *flow_table_fetch(const struct flow_table *table, uint32_t hash);

/** The flow of a sound packet with that hash, and the direction that it goes in; NULL: none. The
 *  `likely` one, which is looked at first, came of flow_table_fetch or is NULL. */
struct flow *flow_table_find(const struct flow_table *table, uint32_t hash,
                             const struct packet *packet, struct flow *likely, int *direction);

/** The flow of that id; NULL: none. */
struct flow *flow_table_by_id(const struct flow_table *table, uint64_t id);

/** A new flow with that id between the packet's endpoints, which has no flow yet; `initiator` says
 *  whether the packet's sender is it. All else is zeros. NULL: no memory. */
struct flow *flow_table_add(struct flow_table *table, uint32_t hash, const struct packet *packet,
                            bool initiator, uint64_t id);

/** Takes a flow out, and gives back what waits in it. */
void flow_table_remove(struct flow_table *table, struct flow *flow);

/** Flows that are open. */
uint32_t flow_table_count(const struct flow_table *table);

/** Slots of the slabs, and the flow in one of them; NULL: it is free. */
uint32_t flow_table_slots(const struct flow_table *table);
struct flow *flow_table_slot(const struct flow_table *table, uint32_t slot);

/** Says until when nobody need look whether the flow has come to its end: at first for ever. It is
 *  kept apart from the flow, side by side with all others', for flow_table_due. */
void flow_table_set_due(struct flow_table *table, struct flow *flow, int64_t due);

/** The flow in a slot, where that moment is past; NULL: it is not, or the slot is free. */
struct flow *flow_table_due(const struct flow_table *table, uint32_t slot, int64_t now);

#endif
