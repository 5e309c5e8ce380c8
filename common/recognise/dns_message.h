/*
 * DNS messages by their content (RFC 1035, section 4; RFC 6762, RFC 4795), never by port.
 */
#ifndef TAPLINE_COMMON_DNS_MESSAGE_H
#define TAPLINE_COMMON_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Is this a DNS message? `missing` bytes behind these were cut off by the snap length: what
 * stands there is believed. Strict about the header and the question section, and every record
 * must lie within the message; NetBIOS name service (RFC 1002) is not DNS.
 * `port_hint`: one of the ports is 53, 5353 or 5355; without it more is asked of the content.
 */
bool dns_message_recognise(const uint8_t *bytes, size_t length, size_t missing, bool port_hint);

/** Does the header of a DNS message say that it is a response, and holds answers? */
bool dns_message_answers(const uint8_t *bytes, size_t length);

#endif
