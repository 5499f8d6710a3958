/*
 * settings.h - a bundle and the two configurations in it: what a daemon goes by.
 */
#ifndef PROC_SETTINGS_H
#define PROC_SETTINGS_H

#include "common/config/config.h"
#include "common/proc/bundle.h"

/* Counted: a connection lives by the settings that it began with. */
struct settings {
	unsigned holders;
	struct bundle *bundle;
	struct config *site; /* yubin.conf */
	struct config *own;  /* the daemon's */
};

/* Gives the settings in fd (not kept). The words of *err name the first error in a
 * file, and how many more there are. */
int settings_read(struct settings **out, int fd, enum config_file which, struct error *err);
struct settings *settings_hold(struct settings *s);
/* Frees them with the last holder. NULL is allowed. */
void settings_drop(struct settings *s);

#endif
