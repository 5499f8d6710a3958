/*
 * dns_kit.h - DNS packets from text, and a name server in the test's own loop.
 *
 * Records are lines: "mx.test A 127.0.0.2", "far.test MX 10 mx.test", "x.test TXT one|two" (two
 * strings), "_25._tcp.mx.test TLSA 3 1 1 9f86d0". In a server's lines the type may be SERVFAIL, SILENT,
 * or TRUNCATED (over UDP; the name's other lines come over TCP) too.
 */
#ifndef TESTS_DNS_KIT_H
#define TESTS_DNS_KIT_H

#include <uv.h>

#include "common/dns/dns.h"

enum { DNS_KIT_PACKET = 65535, DNS_KIT_TTL = 300 };

/* Link     dns_packet_kit.o alone for the packets; dns_kit.o and common/dns too for the server. */

/* Writes an answer; lines end with NULL (none: with a SOA whose minimum is 60). flags: those of the header
 * that are to be added: the rcode. The size. */
size_t dns_kit_packet(uint8_t out[DNS_KIT_PACKET], const char *name, unsigned type, unsigned flags,
		      const char *const *lines);

/* "MX" for DNS_MX; "?" for what the lines don't know. */
const char *dns_kit_type(unsigned type);

struct dns_kit; /* opaque */

/* A server on 127.0.0.1 that knows these lines (NULL at their end; lent), for UDP and TCP. */
struct dns_kit *dns_kit_new(uv_loop_t *loop, const char *const *lines);
/* Closes; the loop must run once more. */
void dns_kit_free(struct dns_kit *k);
/* "127.0.0.1:PORT". */
const char *dns_kit_resolver(const struct dns_kit *k);
/* Questions that came so far, all or by TCP. */
unsigned dns_kit_asked(const struct dns_kit *k);
unsigned dns_kit_asked_tcp(const struct dns_kit *k);

/* A resolver that asks k, and has no anchor above any name but anchors (NULL: none at all). */
struct dns *dns_kit_resolve(const struct dns_kit *k, uv_loop_t *loop, const char *anchors);

#endif
