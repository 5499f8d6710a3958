/* daemons.c - the contract is in daemons.h. */
#include "setup/daemons.h"

#include <string.h>

#include "common/proc/control.h"

const struct daemon_row daemon_rows[DAEMON_COUNT] = {
	[DAEMON_STORAGED] = { .name = "storaged",
			      .which = CONFIG_STORAGED,
			      .folder_count = 3,
			      .folders = { PATHS_MAIL, PATHS_QUEUE, PATHS_DB } },
	[DAEMON_AUTHD] = { .name = "authd",
			   .which = CONFIG_AUTHD,
			   .folder_count = 1,
			   .folders = { PATHS_ACCOUNTS } },
	[DAEMON_SMTPD] = { .name = "smtpd",
			   .which = CONFIG_SMTPD,
			   .net = true,
			   .joined = true,
			   .store_rights = CONTROL_RIGHT_DELIVER,
			   .auth_rights = CONTROL_RIGHT_DELIVER | CONTROL_RIGHT_LOGIN },
	[DAEMON_POP3D] = { .name = "pop3d",
			   .which = CONFIG_POP3D,
			   .net = true,
			   .joined = true,
			   .store_rights = CONTROL_RIGHT_READ,
			   .auth_rights = CONTROL_RIGHT_LOGIN,
			   .alpn = "pop3" },
	[DAEMON_IMAPD] = { .name = "imapd",
			   .which = CONFIG_IMAPD,
			   .net = true,
			   .joined = true,
			   .store_rights = CONTROL_RIGHT_READ,
			   .auth_rights = CONTROL_RIGHT_LOGIN,
			   .alpn = "imap" },
	[DAEMON_DELIVERD] = { .name = "deliverd",
			      .which = CONFIG_DELIVERD,
			      .joined = true,
			      .store_rights = CONTROL_RIGHT_DELIVER | CONTROL_RIGHT_QUEUE,
			      .auth_rights = CONTROL_RIGHT_DELIVER },
};

enum daemon daemon_find(const char *name)
{
	enum daemon d = 0;

	while (d < DAEMON_COUNT && strcmp(daemon_rows[d].name, name) != 0)
		d++;
	return d;
}
