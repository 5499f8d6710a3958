/* account_quota.c - account quota: how much mail an account may have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin/account_parts.h"
#include "common/config/config.h"

const char *account_quota_text(const struct account *a, char room[ACCOUNT_QUOTA_TEXT])
{
	static const struct {
		unsigned shift;
		const char *sign;
	} units[] = { { 30, "G" }, { 20, "M" }, { 10, "k" }, { 0, "" } };
	size_t i = 0;

	if (a->quota == 0)
		return "as Quota in storaged.conf";
	if (a->quota == ACCOUNTS_QUOTA_NONE)
		return "none";
	while ((a->quota & (((uint64_t)1 << units[i].shift) - 1)) != 0)
		i++;
	snprintf(room, ACCOUNT_QUOTA_TEXT, "%llu%s", (unsigned long long)(a->quota >> units[i].shift), units[i].sign);
	return room;
}

static int parse_quota(const char *word, uint64_t *quota, struct error *err)
{
	if (strcmp(word, "none") == 0)
		*quota = ACCOUNTS_QUOTA_NONE;
	else if (strcmp(word, "default") == 0)
		*quota = 0;
	else if (!config_size(span_of(word), quota) || *quota == 0 || *quota > ACCOUNTS_QUOTA_MAX)
		return error_set(err, -EINVAL, "a quota is none, default, or a size like 500M or 2G, 1024T at most");
	return 0;
}

static int put_quota(const struct site *s, const struct account_line *l, uint64_t quota, struct account *a,
		     struct error *err)
{
	struct account_folder f;
	int code = account_open_to_change(s, &f, err);

	if (code == 0)
		code = account_find(&f, l->words[0], a, err);
	if (code == 0 && l->count > 1) {
		a->quota = quota;
		code = accounts_put(f.fd, &f.owner, a, err);
	}
	account_close(&f);
	return code;
}

static int print_quota(const char *text)
{
	struct buf b;

	buf_init(&b, 256);
	buf_printf(&b, "%s\n", text);
	return verb_print(&b);
}

int account_quota_run(const struct site *s, const struct account_line *l)
{
	char room[ACCOUNT_QUOTA_TEXT];
	uint64_t quota = 0;
	struct account a;
	struct error err;

	if ((l->count > 1 && parse_quota(l->words[1], &quota, &err) < 0) || put_quota(s, l, quota, &a, &err) < 0)
		return verb_failed(&err);
	if (l->count == 1)
		return print_quota(account_quota_text(&a, room));
	return account_changed(s, "quota of %s: %s", l->words[0], account_quota_text(&a, room));
}
