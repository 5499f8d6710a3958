/* holders.c - which client certificates accounts hold, for Listens with AllowSelfSigned. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "setup/inside.h"

int holders_read(const struct paths *paths, struct buf *out, struct error *err)
{
	int fd = open(paths->folder[PATHS_ACCOUNTS], O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	struct accounts *accounts;

	if (fd < 0)
		return error_system(err, errno, "can't open the folder %s", paths->folder[PATHS_ACCOUNTS]);
	rc = accounts_read(&accounts, fd, NULL, NULL, err); /* what is broken in it authd tells */
	close(fd);
	if (rc != 0)
		return rc;
	accounts_fingerprints(accounts, out);
	accounts_free(accounts);
	if (out->failed)
		return error_set(err, -EFBIG, "accounts hold more client certificates than fit into %d bytes",
				 SETUP_FINGERPRINTS_MAX);
	return 0;
}
