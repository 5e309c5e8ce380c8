/* Every message that may come over the bus, as the stages take it apart. The first byte says which
 * body it is. */
#include <stdlib.h>

#include "common/bus/peers.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What places lead to. */
static const uint8_t packets[ORIGINAL_PIECES * ORIGINAL_PIECE];
static _Atomic uint32_t uses[ORIGINAL_PIECES];
static const struct original original = {packets, uses};

static void each(struct unpack *u, int (*one)(struct unpack *))
{
    uint32_t count = unpack_array(u);
    for (uint32_t i = 0; i < count && !u->error; i++)
        if (one(u) < 0)
            break;
}

/* What was taken can be handed on, in the form of our own, whatever this one was in. */
static int one_event(struct unpack *u)
{
    struct places places = {.original = &original}, put = {.original = &original};
    struct event event, back;
    int rc = event_unpack(u, &places, &event);
    struct buffer again = {0};
    if (rc)
        return rc;
    event_pack(&again, &event, &put);
    struct unpack from = unpack_over(again.bytes, again.length);
    if (event_unpack(&from, &places, &back) != 0 || back.kind != event.kind ||
        back.flow != event.flow)
        abort();
    if (event.kind == TAPLINE_DATA &&
        (back.data.offset != event.data.offset || back.data.time_ns != event.data.time_ns ||
         back.data.packet != event.data.packet || back.data.flags != event.data.flags ||
         back.data.missing != event.data.missing || back.data.length != event.data.length))
        abort();
    buffer_free(&again);
    return 0;
}

static int one_frame(struct unpack *u)
{
    struct places places = {.original = &original}, put = {.original = &original};
    struct frame frame, back;
    int rc = frame_unpack(u, &places, &frame);
    struct buffer again = {0};
    if (rc != FRAME_PACKET)
        return rc;
    frame_pack(&again, &frame, &put); /* in the form of our own, whatever this one was in */
    struct unpack from = unpack_over(again.bytes, again.length);
    if (frame_unpack(&from, &places, &back) != FRAME_PACKET || back.number != frame.number ||
        back.time_ns != frame.time_ns || back.link != frame.link ||
        back.wire_length != frame.wire_length || back.length != frame.length)
        abort();
    buffer_free(&again);
    return rc;
}

static int one_demand(struct unpack *u)
{
    struct demand demand;
    return demand_unpack(u, &demand);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length)
        return 0;
    struct unpack u = unpack_over(bytes + 1, length - 1);
    struct message_head head;
    struct capture capture;
    struct peers *peers;
    switch (bytes[0] % 7) {
    case 0: each(&u, one_event); break;
    case 1: each(&u, one_frame); break;
    case 2: each(&u, one_demand); break;
    case 3: message_head_unpack(&u, &head); break;
    case 4: capture_unpack(&u, &capture); break;
    case 5:
        peers = peers_new(NULL, 1);
        head = (struct message_head){.sender = 1};
        peers_update(peers, &head, &u, 0);
        peers_free(&peers, 0);
        break;
    case 6: unpack_skip(&u); break;
    }
    return 0;
}
