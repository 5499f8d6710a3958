/*
 * deliver.h - values of deliverd.conf that are texts with a form of their own (Route: route.h).
 *
 * Pure: text in, values out.
 */
#ifndef CONFIG_DELIVER_H
#define CONFIG_DELIVER_H

#include <netinet/in.h>

#include "common/config/config.h"

enum { DELIVER_TIMES = 32 };

/* RetryTimes: "5m 15m 1h", 1 to DELIVER_TIMES of them. Milliseconds. */
int deliver_times_parse(int64_t times_ms[DELIVER_TIMES], size_t *count, struct span text, struct error *err);

/* BindAddress: IPv4 or IPv6, as inet_ntop writes it; *v6 tells which. */
int deliver_bind_parse(char out[INET6_ADDRSTRLEN], bool *v6, struct span text, struct error *err);

/* Resolver: "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353", or "root". */
int deliver_resolver_parse(struct span text, struct error *err);

/* All of them in s; *key is the first that is wrong. */
int deliver_check(const struct config_scope *s, enum config_key *key, struct error *err);

#endif
