/*
 * fake_web.h - dns.h, https.h and a clock for tests: answers that were laid out, at the time that
 * was set.
 *
 * Link    tests/unit/fake_web.o in the place of common/dns, common/https and common/base/clock.o
 */
#ifndef UNIT_FAKE_WEB_H
#define UNIT_FAKE_WEB_H

#include "common/https/https.h"

/* One for each test; what was laid out before is forgotten. */
struct dns *fake_web_dns(void);
struct https *fake_web_https(void);
void fake_web_reset(void);

void fake_web_set_now(int64_t now_s);
int64_t fake_web_now(void);

/* TXT records of a name, each a C string, ended by NULL; status DNS_OK takes them. Over what was. */
void fake_web_txt(const char *name, enum dns_status status, uint32_t ttl_s, const char *const *texts);
/* What a GET of the URL, or a POST to it, gives; over what was. */
void fake_web_page(const char *url, const struct https_answer *a);

/* Answers what was asked, until nothing waits; gives how many. */
size_t fake_web_run(void);

/* How often it was asked for, of all names and pages. */
size_t fake_web_asked(void);
size_t fake_web_fetched(void);
/* The last POST: its URL, type and body. */
const char *fake_web_posted_to(void);
const char *fake_web_posted_type(void);
struct span fake_web_posted(void);

#endif
