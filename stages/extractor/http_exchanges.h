/*
 * The requests of one connection and their answers, paired in order (RFC 9112, section 9.3), and
 * the records that they make.
 */
#ifndef TAPLINE_EXTRACTOR_HTTP_EXCHANGES_H
#define TAPLINE_EXTRACTOR_HTTP_EXCHANGES_H

#include <stdbool.h>

#include "stages/extractor/conversation.h"
#include "stages/extractor/http_message.h"

struct http_exchanges;

/** No exchanges yet; NULL: no memory. */
struct http_exchanges *http_exchanges_new(struct conversation *conversation);

/** Frees it, with the messages that it holds, and nulls the pointer; accepts NULL. */
void http_exchanges_free(struct http_exchanges **exchanges);

/** Says which direction requests. */
void http_exchanges_set_requester(struct http_exchanges *exchanges, int requester);

/** A request begins; the message is owned from now on. An answer that came without its request and
 *  was sent after this one is its. Where too many wait, the oldest is recorded as unanswered. 0,
 *  -ENOMEM or the outlet's error. */
int http_exchanges_ask(struct http_exchanges *exchanges, struct http_message **request);

/** Answers may have been lost ahead of the next one: it belongs to none of the requests from before
 *  the requester's last turn. Where it does not begin a turn itself (`leads`), it may be the answer
 *  to any request of that turn, and is paired only if there is but one. Where one was lost for
 *  certain, it is not the first one's either: a side whose answer is lost seems not to have spoken.
 */
void http_exchanges_lose_track(struct http_exchanges *exchanges, bool leads, bool lost_one);

/** The request that the next answer belongs to; NULL: it was not seen. */
const struct http_message *http_exchanges_awaiting(const struct http_exchanges *exchanges);

/** An answer begins, to the request that awaits one; the message is owned from now on. 0 or
 *  -ENOMEM. */
int http_exchanges_answer(struct http_exchanges *exchanges, struct http_message **answer);

/** Has the last request, being over, asked to change protocols, and is its answer not over yet? */
bool http_exchanges_undecided(const struct http_exchanges *exchanges);

/** The requester's bytes were read up to this packet: what was answered before is not waited for
 *  any more. 0, -ENOMEM or the outlet's error. */
int http_exchanges_heard(struct http_exchanges *exchanges, uint64_t packet);

/** Sends the records of what is over. 0, -ENOMEM or the outlet's error. */
int http_exchanges_settle(struct http_exchanges *exchanges);

/** Sends the records of everything that is left: nothing more is coming. */
int http_exchanges_close(struct http_exchanges *exchanges);

#endif
