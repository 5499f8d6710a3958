/*
 * fake_world.h - the DNS, pages and ports of a test, out of a text; for what asks by admin/lookup.h.
 *
 *     example.org MX 10 mail.example.org       mail.example.org A 192.0.2.7       www.example.org CNAME x.example
 *     example.org TXT v=spf1 mx -all           _25._tcp.x TLSA 3 1 1 9f86         7.2.0.192.in-addr.arpa PTR x
 *     _imaps._tcp.x SRV 0 1 993 mail.x
 *     example.org FAILED                       example.org BOGUS                  secure (all that is there)
 *     https://x.example/a PAGE 200 one|two     x.example PORT 220 hello           x.example PORT (refused)
 */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include "admin/lookup.h"

/* text is lent until fake_world_free. */
struct lookup *fake_world(const char *text);
void fake_world_free(struct lookup *l);

#endif
