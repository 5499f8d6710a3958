/*
 * conf.h - the files in etc/ as `yubin init` writes them: what is active at the top, then
 * every other key, explained and commented out. etc/ of the source tree holds a copy.
 */
#ifndef ADMIN_CONF_H
#define ADMIN_CONF_H

#include "common/base/buf.h"
#include "common/config/config.h"

struct conf_plan {
	const char *hostname;
	int port_base;		/* added to 25, 587 ...: on loopback alone; -1: the real ports, everywhere */
};

/* The i-th file, 0 behind the last. */
enum config_file conf_file(unsigned i);

void conf_write(const struct conf_plan *plan, enum config_file which, struct buf *out);

#endif
