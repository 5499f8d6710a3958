/*
 * fake_dns.h - common/dns without a network: answers from lines, DNSSEC's word on each with it.
 *
 * A line is "+mx.test A 192.0.2.7": proved; "-mx.test ...": not proved. A name's own word on a type may
 * be FAILED or BOGUS: "-mx.test AAAA FAILED". What has no line at all does not exist, what has others
 * has no such record; both are proved where one of the name's lines, or a line "+mx.test", is.
 */
#ifndef TESTS_FAKE_DNS_H
#define TESTS_FAKE_DNS_H

#include "common/dns/dns.h"

struct dns *fake_dns_new(const char *const *lines); /* NULL at their end; lent */
/* Answers what is open, and what is asked meanwhile, until nothing is. */
void fake_dns_run(struct dns *d);
/* "mx.test A, mx.test AAAA, ": what was asked so far. */
const char *fake_dns_asked(const struct dns *d);
/* No question is taken from the n-th on. */
void fake_dns_refuse(struct dns *d, unsigned n);
size_t fake_dns_open(const struct dns *d);
void fake_dns_free(struct dns *d);

#endif
