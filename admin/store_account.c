/* store_account.c - an account that a member of `yubin store` is about. */
#include <errno.h>
#include <unistd.h>

#include "admin/store_parts.h"

int store_account(const struct site *s, const char *word, char account[ACCOUNTS_ADDRESS_MAX], struct error *err)
{
	struct accounts_owner owner;
	struct accounts *all;
	int fd, rc = accounts_address(word, account, err);

	if (rc == 0)
		rc = site_accounts(s, &fd, &owner, err);
	if (rc != 0)
		return rc;
	rc = accounts_read(&all, fd, NULL, NULL, err);
	close(fd);
	if (rc != 0)
		return rc;
	if (accounts_find(all, account) == NULL)
		rc = error_set(err, -ENOENT, "there is no account %s; see: yubin account list", account);
	accounts_free(all);
	return rc;
}
