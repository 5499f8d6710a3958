/*
 * daemons.h - which daemons there are, and what each is given.
 */
#ifndef SETUP_DAEMONS_H
#define SETUP_DAEMONS_H

#include "common/config/config.h"
#include "common/config/paths.h"

enum daemon {
	DAEMON_STORAGED,
	DAEMON_AUTHD,
	DAEMON_SMTPD,
	DAEMON_POP3D,
	DAEMON_IMAPD,
	DAEMON_DELIVERD,
	DAEMON_COUNT
};

enum { DAEMON_FOLDERS = 3, DAEMON_WORKERS = 64 };

struct daemon_row {
	const char *name;
	enum config_file which;
	bool net;			/* serves ports: certificates, tickets */
	bool joined;			/* storaged and authd are its neighbours */
	unsigned store_rights;		/* what storaged does for it: enum control_right */
	unsigned auth_rights;
	unsigned folder_count;
	enum paths_folder folders[DAEMON_FOLDERS];
	const char *alpn;		/* NULL: none */
};

extern const struct daemon_row daemon_rows[DAEMON_COUNT];

/* DAEMON_COUNT if there is none of that name. */
enum daemon daemon_find(const char *name);

#endif
