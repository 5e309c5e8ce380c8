/*
 * The tap's contract: what a sink says to whoever listens (--tap ENDPOINT).
 *
 * The tap is a ZeroMQ XPUB socket. Every message has two frames: the topic, as text, and one
 * msgpack map. A listener is a SUB socket; a subscription is the beginning of a topic's name, as
 * always with ZeroMQ: `flow` gets all that is said of flows, the empty one everything. What nobody
 * subscribes to is not even made.
 *
 * Every map begins with these keys:
 *
 *     tap      int   TAPLINE_TAP_VERSION
 *     capture  str   the capture's id, 16 hex digits; nil in `stats`
 *     attempt  int   1, 2, ...: which playing of the capture this is of; nil in `stats`
 *     sink     str   the sending sink's id, 16 hex digits; a restarted sink has another
 *     seq      int   1, 2, ...: counts this sink's messages of this topic, whether or not anybody
 *                    subscribed; a step of more than one says how many were missed
 *
 * Then, in the topics of records:
 *
 *     file     str   the file of the results that this record will stand in
 *     flow     str   src-sport-dst-dport, initiator first; only where the record's own keys do not
 *                    say it (tls.sni, tls.cert, dns)
 *
 * and then the record's own keys, in the order of its file, with the values of that file. Times
 * are msgpack timestamps (extension type -1) and have no zone. nil is what is null there, or what
 * is not known yet: an `http` record comes as soon as it is complete, and so `end_timestamp` and
 * the four counts of its connection are nil. An `xycdn` record is one sighting, `num` is 1: the
 * file adds up. Records come as they are finished, and not in the order of the files.
 *
 * `flow.open` is a flow that begins, where the sink was told to say so (--tap-opens). It stands in
 * no file, and so has no `file`; its further keys:
 *
 *     ip_port          str        these two are those of the flow's later record; a
 *     start_timestamp  timestamp  conversation that is DNS from end to end has none.
 *     transport        str        tcp or udp
 *     src, dst         str        the addresses of the initiator and of the responder,
 *     sport, dport     int        and their ports
 *
 * `capture` says what becomes of a capture; its further keys:
 *
 *     event    str   begun: its first attempt begins. attempt: a later one begins, and all before
 *                    it are void. published: the results are in their place; this attempt is the
 *                    one that counts. failed: this attempt is void.
 *     out      str   the directory of the results
 *     status   int   the exit status of the command, as far as it is known; nil at the start
 *     text     str   what went wrong, where something did
 *     sources  array of maps: name, size and mtime_ns of each file
 *     records  map   topic -> how many messages of it this attempt made
 *
 * `stats` comes about once a second:
 *
 *     time      timestamp   when it was made
 *     listeners int         listeners that are `ready`
 *     waited    float       seconds that the sink waited for listeners so far (--tap-policy block)
 *     heads     map         topic -> the seq of its last message: shows also what was missed at
 *                           the end, where no later message tells
 *     rates     map         topic -> messages of the last second
 *
 * A listener that is slow misses messages and slows nobody (--tap-policy drop), or is waited for
 * (block), also behind the end of a run, as long as it takes anything. One that takes nothing for
 * as long as --tap-patience says is disconnected, so that nobody waits for it any more; it may come
 * again, and sees what it missed. A listener reads ahead of what it has taken: with ZeroMQ's
 * default (ZMQ_RCVHWM) by 1,000 messages, and it shows at every 500th that it has taken some.
 *
 * `ready` is a topic of which no message comes. A listener that subscribes to it, last of all,
 * says that its subscriptions are complete: --tap-wait N counts those.
 *
 * Version rule. Topics and keys are only ever added, so pass over those that you do not know.
 * Anything else (another type or meaning) raises TAPLINE_TAP_VERSION.
 */
#ifndef TAPLINE_TAP_H
#define TAPLINE_TAP_H

#define TAPLINE_TAP_VERSION 1

#define TAPLINE_TOPIC_FLOW_TCP "flow.tcp" /* save_con.json, tmp_con.json */
#define TAPLINE_TOPIC_FLOW_UDP "flow.udp" /* udp_con.json */
#define TAPLINE_TOPIC_HTTP "http"         /* save_http.json, tmp_http.json */
#define TAPLINE_TOPIC_TLS_SNI "tls.sni"   /* sni.json */
#define TAPLINE_TOPIC_TLS_CERT "tls.cert" /* cert_domain_time.json */
#define TAPLINE_TOPIC_DNS "dns"           /* ts_domain_ip.json */
#define TAPLINE_TOPIC_XYCDN "xycdn"       /* xycdn_stun_ip_port.json */
#define TAPLINE_TOPIC_FLOW_OPEN "flow.open"
#define TAPLINE_TOPIC_CAPTURE "capture"
#define TAPLINE_TOPIC_STATS "stats"
#define TAPLINE_TOPIC_READY "ready"

#endif
