/* store_restore_place.c - a restored account gets its place in mail/; the contract is in store_restore_one.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/store_restore_one.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"

enum { STATE_MAX = 64 * 1024, WORDS_MAX = STORE_NAME_MAX + 64, PREFIX_MAX = 48 };

static const char name_file[] = "name"; /* of what restored mailboxes stand below */

struct ids { /* of mailboxes' folders, in order */
	uint32_t *at;
	size_t count, room;
};

static int id_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int ids_add(struct ids *ids, uint32_t id)
{
	if (ids->count == ids->room) {
		size_t room = ids->room > 0 ? ids->room * 2 : 64;
		uint32_t *more = realloc(ids->at, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		ids->at = more;
		ids->room = room;
	}
	ids->at[ids->count++] = id;
	return 0;
}

/* A folder that is not there has none. The caller frees ids->at. */
static int list_ids(const struct one *o, const char *folder, struct ids *ids, struct error *err)
{
	int fd = openat(o->mail, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	uint32_t id;

	*ids = (struct ids){ .count = 0 };
	if (d == NULL) {
		r = errno == ENOENT ? 0 : error_system(err, errno, "can't look into mail/%s", folder);
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (names_mailbox_parse(e->d_name, &id))
			r = ids_add(ids, id);
	closedir(d);
	if (ids->count > 1)
		qsort(ids->at, ids->count, sizeof(*ids->at), id_order);
	return r == 0 ? 0 : error_set(err, r, "no memory for the mailboxes of %s", o->account);
}

/* --- as the account itself --------------------------------------------------------- */

static int jump_states(const struct one *o, const struct ids *ids, struct error *err)
{
	char folder[NAMES_MAILBOX_MAX + 32], state[NAMES_MAILBOX_MAX + 48];
	int code = 0;

	for (size_t i = 0; i < ids->count && code == 0; i++) {
		snprintf(folder, sizeof(folder), "%s/%08x", o->stage, ids->at[i]);
		snprintf(state, sizeof(state), "%s/state", folder);
		code = restore_state(o->mail, folder, NULL, err);
		if (code == 0 && faccessat(o->mail, state, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			code = one_own(o, state, err);
	}
	return code;
}

static int place_account(const struct one *o, const struct ids *ids, struct error *err)
{
	char domain[NAMES_FOLDER_MAX];
	int code = jump_states(o, ids, err);

	if (code < 0)
		return code;
	snprintf(domain, sizeof(domain), "%.*s", (int)strcspn(o->folder, "/"), o->folder);
	if (mkdirat(o->mail, domain, 0700) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make mail/%s", domain);
	code = one_own(o, domain, err);
	if (code == 0 && renameat2(o->mail, o->stage, o->mail, o->folder, RENAME_NOREPLACE) < 0)
		code = error_system(err, errno, "can't make mail/%s", o->folder);
	if (code == 0)
		printf("%s had no mail here: its mailboxes are as they were.\n", o->account);
	return code;
}

/* --- beside what is there -------------------------------------------------------------- */

/* Does a mailbox stand at, or below, that name? */
static bool is_used(const struct one *o, const struct ids *ids, const char *prefix)
{
	char folder[NAMES_MAILBOX_MAX];
	bool used = false;

	for (size_t i = 0; i < ids->count && !used; i++) {
		struct head h = { 0 };
		struct buf text, name;
		struct span rest;

		names_mailbox(folder, o->folder, ids->at[i]);
		buf_init(&text, STATE_MAX);
		buf_init(&name, STORE_NAME_MAX);
		if (files_read(o->mail, folder, "state", &text) == 0 &&
		    statefile_mailbox_parse(buf_span(&text), &h, &name)) {
			rest = buf_span(&name);
			used = span_is(span_take_until(&rest, '/'), prefix);
		}
		buf_clear(&text);
		buf_clear(&name);
	}
	return used;
}

static void new_prefix(const struct one *o, const struct ids *ids, char out[PREFIX_MAX])
{
	time_t now = time(NULL);
	char date[16];
	struct tm tm;

	strftime(date, sizeof(date), "%Y-%m-%d", localtime_r(&now, &tm));
	snprintf(out, PREFIX_MAX, "Restored %s", date);
	for (unsigned i = 2; is_used(o, ids, out); i++)
		snprintf(out, PREFIX_MAX, "Restored %s %u", date, i);
}

/* The same for all of it, also when it is gone on with. */
static int find_prefix(const struct one *o, const struct ids *ids, char out[PREFIX_MAX], struct error *err)
{
	int at = open(o->stage_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), code;
	struct buf text;

	if (at < 0)
		return error_system(err, errno, "can't open %s", o->stage_path);
	buf_init(&text, PREFIX_MAX - 1);
	code = files_read(at, ".", name_file, &text);
	if (code == 0) {
		snprintf(out, PREFIX_MAX, "%.*s", (int)text.n, (const char *)text.p);
	} else if (code == -ENOENT) {
		new_prefix(o, ids, out);
		code = files_replace(at, ".", name_file, span_of(out));
	}
	buf_clear(&text);
	close(at);
	return code == 0 ? 0 : error_system(err, -code, "%s/%s can't be made", o->stage_path, name_file);
}

/* No id that the account has given before, as far as its file knows. */
static uint32_t next_id(const struct one *o, const struct ids *ids)
{
	struct account_record record = { .next_mailbox = 1 };
	struct span unused;
	struct buf text;
	uint32_t next = ids->count > 0 ? ids->at[ids->count - 1] + 1 : 1;

	buf_init(&text, STATEFILE_MAX);
	if (files_read(o->mail, o->folder, "account", &text) == 0 &&
	    statefile_account_parse(buf_span(&text), &record, &unused) && record.next_mailbox > next)
		next = record.next_mailbox;
	buf_clear(&text);
	return next;
}

/* "Restored 2026-11-22/INBOX" */
static int place_one(const struct one *o, uint32_t from, uint32_t to, const char *prefix, struct error *err)
{
	char folder[NAMES_MAILBOX_MAX + 32], state[NAMES_MAILBOX_MAX + 48], path[NAMES_MAILBOX_MAX], words[WORDS_MAX];
	struct buf name;
	int code;

	snprintf(folder, sizeof(folder), "%s/%08x", o->stage, from);
	snprintf(state, sizeof(state), "%s/state", folder);
	names_mailbox(path, o->folder, to);
	buf_init(&name, STORE_NAME_MAX);
	if (!one_name(o, from, &name)) {
		buf_reset(&name);
		buf_printf(&name, "%08x", from);
	}
	snprintf(words, sizeof(words), "%s/%.*s", prefix, (int)name.n, (const char *)name.p);
	buf_clear(&name);
	code = restore_state(o->mail, folder, words, err);
	if (code == 0 && faccessat(o->mail, state, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		code = one_own(o, state, err);
	if (code == 0 && renameat2(o->mail, folder, o->mail, path, RENAME_NOREPLACE) < 0)
		code = error_system(err, errno, "can't make mail/%s", path);
	return code;
}

static int drop_file(const struct one *o, const char *name, struct error *err)
{
	char path[ONE_STAGE_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", o->stage, name);
	return unlinkat(o->mail, path, 0) == 0 || errno == ENOENT ? 0
								  : error_system(err, errno, "can't remove mail/%s", path);
}

static int place_beside(const struct one *o, const struct ids *ids, struct error *err)
{
	char prefix[PREFIX_MAX];
	struct ids here;
	uint32_t next;
	int code = list_ids(o, o->folder, &here, err);

	if (code == 0)
		code = find_prefix(o, &here, prefix, err);
	next = code == 0 ? next_id(o, &here) : 0;
	for (size_t i = 0; i < ids->count && code == 0; i++)
		code = place_one(o, ids->at[i], next++, prefix, err);
	/* The account has its own. */
	if (code == 0)
		code = drop_file(o, "account", err);
	if (code == 0)
		code = drop_file(o, "annotations", err);
	if (code == 0)
		printf("%s has mail here: what was restored stands below \"%s\".\n", o->account, prefix);
	free(here.at);
	return code;
}

int one_place(const struct one *o, struct error *err)
{
	struct ids ids;
	int code;

	/* One that broke off may have done it. */
	if (faccessat(o->mail, o->stage, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "can't look at mail/%s", o->stage);
	code = list_ids(o, o->stage, &ids, err);
	if (code == 0)
		code = faccessat(o->mail, o->folder, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? place_account(o, &ids, err)
										     : place_beside(o, &ids, err);
	free(ids.at);
	if (code == 0 && syncfs(o->mail) < 0)
		code = error_system(err, errno, "the new names can't be brought to the disk");
	return code;
}
