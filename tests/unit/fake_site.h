/*
 * fake_site.h - a site in a folder of its own, for tests of yubind: certificates, etc/ as
 * `yubin init` writes it, empty folders; programs/ holds symlinks to the test itself.
 */
#ifndef TESTS_FAKE_SITE_H
#define TESTS_FAKE_SITE_H

#include "common/base/span.h"

extern char fake_site[];	/* its folder, once made */

/* 0, or -1 if a folder can't be made. One site a process. */
int fake_site_make(void);
int fake_site_remove(void);

/* The path of a file in it; holds until the next call. */
const char *fake_site_file(const char *name);
void fake_site_write(const char *name, struct span text);
/* The same for what lies there already: renamed into place, for nobody else to read. */
void fake_site_replace(const char *name, struct span text);

/* Writes all of etc/; more goes to the end of imapd.conf. Ports: those of the protocols,
 * fake_site_port() added. */
void fake_site_confs(const char *hostname, const char *more);
int fake_site_port(void);

#endif
