/* socket_rights.c - the contract is in socket_rights.h. */
#include "setup/socket_rights.h"

#include <errno.h>
#include <grp.h>

int setup_socket_rights(const struct config_scope *scope, unsigned *mode, unsigned *gid, struct error *err)
{
	unsigned digits = (unsigned)config_number(scope, CONFIG_SOCKET_MODE);
	const char *name = config_text(scope, CONFIG_SOCKET_GROUP);
	const struct group *group;

	*mode = 0;
	*gid = UINT32_MAX;
	for (unsigned unit = 1; digits > 0; digits /= 10, unit *= 8) {
		if (digits % 10 > 7)
			return error_set(err, -EINVAL, "SocketMode has the digits 0 to 7, as chmod takes them");
		*mode += digits % 10 * unit;
	}
	if (*name == '\0')
		return 0;
	group = getgrnam(name);
	if (group == NULL)
		return error_set(err, -ENOENT, "SocketGroup: there is no group %s on this machine", name);
	*gid = group->gr_gid;
	return 0;
}
