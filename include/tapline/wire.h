/*
 * The wire contract: what tapline's programs say to each other.
 *
 * Every ZeroMQ message is one msgpack array with a fixed head and a body:
 *
 *     [magic, version, kind, capture, attempt, sender, epoch, sequence, body, sent]
 *
 *     magic     str   TAPLINE_MAGIC
 *     version   uint  TAPLINE_WIRE_VERSION
 *     kind      uint  enum tapline_kind: says what the body is
 *     capture   uint  64-bit id of the capture, chosen at random by its reader; 0: of none
 *     attempt   uint  1, 2, ...: which playing of the capture this belongs to
 *     sender    uint  64-bit id of the sending process, chosen at random
 *     epoch     uint  when the sender started, nanoseconds since 1970: a restarted
 *                     process is another sender
 *     sequence  uint  1, 2, ...: counts the messages of this sender on this one socket,
 *                     so that a receiver sees that one was lost. The upper 24 bits
 *                     number the sockets that it opens to data inboxes, one after the
 *                     other: what comes of one when the next has spoken is late
 *     sent      uint  when it was handed to the bus, nanoseconds since 1970, always in nine
 *                     bytes: it is found from the end. Only figures for people come of it; a
 *                     message may do without
 *
 * Version rule. Fields are only ever appended to an array; a decoder passes over what
 * follows the fields that it knows. Anything else (another order, type or meaning)
 * raises TAPLINE_WIRE_VERSION, and a decoder refuses a message of another version.
 *
 * Times are signed nanoseconds since 1970-01-01T00:00:00Z, except inside records, where
 * they are msgpack timestamps (extension type -1) and so keep their type on the way.
 */
#ifndef TAPLINE_WIRE_H
#define TAPLINE_WIRE_H

#define TAPLINE_MAGIC "tapline"
#define TAPLINE_WIRE_VERSION 5

/** The type of msgpack's extensions that are places in memory which processes share. */
#define TAPLINE_PLACE 1

/** Fields of a message, and how many of them are never missing: those up to the body. */
#define TAPLINE_MESSAGE_FIELDS 10
#define TAPLINE_HEAD_FIELDS 9

/** What the programs are to each other. */
enum tapline_role {
    TAPLINE_READER = 1,
    TAPLINE_TRACKER = 2,
    TAPLINE_CLASSIFIER = 3,
    TAPLINE_EXTRACTOR = 4,
    TAPLINE_SINK = 5,
    TAPLINE_LOBBY = 6,
};

/** What a message carries. The arrow says who tells whom, and over which of its two inboxes. */
enum tapline_kind {
    /* Over the data inbox: in order, never lost, waited for. */
    TAPLINE_BEGIN = 1,   /* along the pipeline: the capture document, before anything else of it */
    TAPLINE_PACKETS = 2, /* reader -> tracker: an array of packets and clocks */
    TAPLINE_EVENTS = 3,  /* tracker -> classifier -> extractor -> sink: an array of events */
    TAPLINE_END = 4,     /* reader -> tracker: [packets sent to this tracker] */
    TAPLINE_TALLY = 5,   /* tracker, reader -> sink: a map of what the sender counted */
    TAPLINE_LENT = 6,    /* stands for a message of the kinds above that lies in its sender's
                            memory: [process, descriptor, slot, start, length] */
    TAPLINE_MARK = 7,    /* along the pipeline, and from every stage to the sink: [index, period,
                            closed, oldest, hops, branches, kept], see below */

    /* Over the control inbox: small, and never behind data. */
    TAPLINE_ANNOUNCE = 16, /* worker -> lobby: [role, name, data endpoint, control endpoint,
                              presence, public key, figures, realm], see below */
    TAPLINE_ROSTER = 17,   /* lobby -> all: array of [role, sender, epoch, name, data, control,
                              presence, public key, admission, realm] */
    TAPLINE_DEMAND = 18,   /* back along the pipeline: array of [flow, direction, want, offset] */
    TAPLINE_ACCEPT = 19,   /* sink -> reader: [status, text, opens]: may the capture begin? And is
                              the sink to hear of flows when they begin? Absent: no */
    TAPLINE_ASK = 20,      /* sink -> reader: []: all is here and synced; may I publish? */
    TAPLINE_WORD = 21,     /* reader -> sink: [yes or no] */
    TAPLINE_OUTCOME = 22,  /* sink -> reader: [status, text, summary as JSON text]: published, or
                              why not */
    TAPLINE_RELEASE = 23,  /* reader -> all: []: this attempt is over, forget it */
    TAPLINE_FAULT = 24,    /* worker -> reader: [status, text]: this attempt cannot be finished */
    TAPLINE_QUERY = 25,    /* anybody -> lobby: [control endpoint to answer to, its public key] */
    TAPLINE_STATUS = 26,   /* lobby -> who asked: array of [a row as in ROSTER, nanoseconds since it
                              was heard of, figures] */
    TAPLINE_PARTED = 27,   /* a worker that leaves -> who fed it: [sequence number of the last data
                              message that it took from there] */
};

/**
 * Whether a worker takes on new work. Public keys are CURVE's, as 40 characters of Z85; "" where
 * there are none. Figures are a map of what a process has counted since its start, and what it
 * holds: see common/bus/vitals.h. Of two workers with one name the one that started later counts,
 * and takes the other's place. A lobby counts whom it lets in: another admission than before, from
 * the same lobby, says that the worker was struck out in between, even if it never knew. A realm is
 * a number that processes have in common which can read each other's memory; 0: no one can.
 */
enum tapline_presence {
    TAPLINE_HERE = 0,
    TAPLINE_LEAVING = 1, /* it finishes what it has */
    TAPLINE_GONE = 2,    /* its last word */
    TAPLINE_COMING = 3,  /* no roster has come to it yet: perhaps others cannot reach it */
};

/*
 * LENT. The message is read by opening /proc/PROCESS/fd/DESCRIPTOR, memory laid out as
 * common/bus/region.h says; it begins `start` bytes into its slot. To workers of the same realm
 * only, and only where their inbox is a file.
 *
 * PACKETS. Each element of the array is one of
 *
 *     [number, time, link type, wire length, bytes]   a frame; numbers count from 1 over the
 *                                                     whole capture; link type: LINKTYPE_ value
 *     [clock]                                         capture time has reached this: what idle
 *                                                     flows may be let go by
 *
 *     bytes are a bin; or, where both sides can read the memory that the reader has read them into
 *     (`original` of the capture document), their place there: an extension of type TAPLINE_PLACE, 64
 *     bits, of which the upper 48 are the offset and the lower 16 the length. Until a message was
 *     dealt with, it uses the pieces of that memory that its places lead to: see
 *     common/wire/original.h
 *
 * EVENTS. Each element begins with [event, flow, ...]:
 *
 *     [OPEN,   flow, transport, initiator address (bin 4 or 16), port, responder address, port,
 *              time, hints]
 *     [DATA,   flow, direction, offset, time, packet, flags, missing, bytes]
 *     [GAP,    flow, direction, offset, length]
 *     [CLOSE,  flow, figures, trail, notes, period]
 *     [RECORD, flow, record, time, packet, order, map]
 *
 * A sink gets no OPEN, unless it asked for them: then every flow's, from its tracker, and these
 * count nowhere. flow: the tracker's index in the capture's set in the upper 16 bits, its count
 * below. direction: 0 from the initiator, 1 from the responder. offset: bytes of the stream before
 * these (TCP), datagrams of this direction before this one (UDP). missing: bytes of this
 * segment or datagram that its headers promise and the capture's snap length cut off.
 * figures: see struct event_close in common/wire/event.h. trail: one [role, events received,
 * events handed on, records sent ahead] for every stage that the flow passed. notes: a bin of maps,
 * one behind the other, of record keys to values, from every stage that learned something. map: a
 * bin of one such map. They are bins so that those whom they only pass need not look into them.
 * period: of the tracker's work, the one in which it closed the flow.
 *
 * MARK. A tracker's work is cut into periods, 0, 1, ...: each ends with its mark, the last with the
 * capture instead. index: the tracker's in the capture's set. closed: how many flows it closed in
 * that period. oldest: no record of a flow that it has not closed by then has an earlier time. So
 * when all flows are here that a tracker closed up to the end of a period, whatever is still to
 * come of it is as old as that at most; for packets that are still to come this is taken for
 * granted, up to TAPLINE_ORDER_SLACK behind the capture's clock. Closes come other ways than marks
 * do: either may be first.
 *
 * A mark goes the way of the data, too, behind all that was sent before it: every stage sends it on
 * to all workers that it has sent anything of the capture, but for such as are leaving, and to the
 * sink, where it says how many these were (branches). hops: how many stages it has passed, 0 from
 * the tracker. kept: no record of a packet that was read before the mark, and that has not come by
 * then, is of an earlier packet; a stage that keeps something back lowers it to what that may be (a
 * low watermark: Akidau et al., MillWheel, VLDB 2013), and one that cannot say to the least there
 * is. So when a period's closes are here, and its mark from all branches, then of records that are
 * placed by their packet's time, not by their flow's, none that is still to come is older than the
 * least of these; what was kept for a minute without anything coming of it is passed over.
 */
enum tapline_event {
    TAPLINE_OPEN = 0,
    TAPLINE_DATA = 1,
    TAPLINE_GAP = 2,
    TAPLINE_CLOSE = 3,
    TAPLINE_RECORD = 4,
};

/** How far a capture's times may run backwards, in seconds, for flows to go on as if they did not:
 *  packets may be so much older than its clock (see PACKETS) when they are read. */
#define TAPLINE_TIME_SLACK 600

/** The same for results that are written before the capture ends: what is older than so many
 *  seconds before its clock is taken for read. Older packets count as any other, but where what they
 *  belong among was written already the capture is read again. */
#define TAPLINE_ORDER_SLACK 10

/** Flags of a DATA event. */
enum tapline_data_flag {
    /* The first bytes after the other side has spoken, or of the stream. That goes by the order in
     * which the capture saw them, also where a hole let them be handed on later. */
    TAPLINE_TURN = 1,
};

/** Hints of an OPEN event: what a stage behind should do beyond its own duties. */
enum tapline_hint {
    TAPLINE_HINT_HTTP = 1,         /* HTTP/1 begins at the first DATA event */
    TAPLINE_HINT_TLS = 2,          /* a TLS hello does */
    TAPLINE_HINT_DNS = 4,          /* messages are DNS */
    TAPLINE_HINT_QUIC = 8,         /* datagrams are QUIC */
    TAPLINE_HINT_WS_ADDRESSES = 16 /* count the addresses in WebSocket text (xycdn) */
};

/** What travels ahead of a flow's CLOSE. */
enum tapline_record_kind {
    TAPLINE_RECORD_HTTP = 1,  /* one request with its answer */
    TAPLINE_RECORD_SNI = 2,   /* one server name of a ClientHello */
    TAPLINE_RECORD_CERT = 3,  /* one Certificate message: fingerprint, domains, chain (bins) */
    TAPLINE_RECORD_DNS = 4,   /* one DNS response */
    TAPLINE_RECORD_XYCDN = 5, /* one WebSocket text frame's address keys */
};

/** What a stage may want next of one direction of a flow. */
enum tapline_want {
    TAPLINE_WANT_FROM = 0,    /* everything from this offset on */
    TAPLINE_WANT_TURN = 1,    /* nothing until a turn begins at or after this offset, then all */
    TAPLINE_WANT_NOTHING = 2, /* nothing any more */
};

#endif
