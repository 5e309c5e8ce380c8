/*
 * What is said after an upgrade to the WebSocket protocol (RFC 6455): the addresses that text
 * frames hold, each frame's as one TAPLINE_RECORD_XYCDN. Frames are read as they come and never
 * kept, so that their size is of no account.
 */
#ifndef TAPLINE_EXTRACTOR_WEBSOCKET_H
#define TAPLINE_EXTRACTOR_WEBSOCKET_H

#include "stages/extractor/protocol.h"

extern const struct protocol protocol_websocket;

#endif
