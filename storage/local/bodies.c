/* bodies.c - descriptors of several messages of a mailbox, opened by one job of the pool. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/look.h"
#include "storage/local/walk.h"

struct one {
	uint64_t size; /* as the index has it */
	uint8_t guid[STORE_GUID];
	int error;
};

struct look_bodies {
	struct look look;
	store_bodies_done done;
	uint64_t mailbox;
	struct store_range ranges[STORE_BODIES];
	size_t range_count, count;
	char folder[NAMES_MAILBOX_MAX + 8]; /* of the mailbox's files */
	struct one one[STORE_BODIES];
	struct store_opened opened[STORE_BODIES];
	struct job job;
};

static void bodies_end(struct look_bodies *k, enum store_status status)
{
	bool wanted = call_close(&k->look.call);

	if (!wanted || status != STORE_OK)
		for (size_t i = 0; i < k->count; i++)
			if (k->opened[i].fd >= 0)
				close(k->opened[i].fd);
	if (wanted)
		k->done(k->look.call.arg, status, status == STORE_OK ? k->opened : NULL, status == STORE_OK ? k->count : 0);
	look_free(&k->look);
}

static void open_one(struct look_bodies *k, size_t i, int folder)
{
	struct store_opened *o = &k->opened[i];
	char name[NAMES_FILE_MAX];
	struct stat st;

	names_file(name, o->uid, k->one[i].guid);
	o->fd = files_open(folder, name, 0, &st);
	if (o->fd < 0)
		k->one[i].error = o->fd;
	else
		o->size = (uint64_t)st.st_size;
}

static void bodies_run(struct job *job)
{
	struct look_bodies *k = (struct look_bodies *)((char *)job - offsetof(struct look_bodies, job));
	int folder = openat(job->s->o.mail_fd, k->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = folder < 0 ? -errno : 0;

	for (size_t i = 0; i < k->count; i++)
		if (folder >= 0)
			open_one(k, i, folder);
		else
			k->one[i].error = error;
	if (folder >= 0)
		close(folder);
}

/* The file is not what the index says. Was the message expunged meanwhile? */
static enum store_status one_lost(const struct look_bodies *k, size_t i)
{
	const struct store_opened *o = &k->opened[i];
	struct mailbox *m = mailbox_by_id(k->look.account, k->mailbox);
	char name[STORE_ACCOUNT_MAX * 4];
	struct message message;

	if (k->one[i].error == -EMFILE || k->one[i].error == -ENFILE || k->one[i].error == -ENOMEM)
		return STORE_TRY_LATER;
	if (m == NULL || message_get(m, o->uid, &message) == -ENOENT)
		return STORE_NOT_FOUND;
	log_error("store body damaged account=%s mailbox=%08x uid=%u error=%d size=%llu expected=%llu",
		  escape_text(name, sizeof(name), span_of(k->look.account->name)), m->id, o->uid, -k->one[i].error,
		  (unsigned long long)o->size, (unsigned long long)k->one[i].size);
	return STORE_CORRUPT;
}

static void bodies_opened(struct job *job)
{
	struct look_bodies *k = (struct look_bodies *)((char *)job - offsetof(struct look_bodies, job));

	for (size_t i = 0; i < k->count; i++) {
		struct store_opened *o = &k->opened[i];

		o->status = STORE_OK;
		if (k->one[i].error == 0 && o->size == k->one[i].size)
			continue;
		o->status = one_lost(k, i);
		if (o->fd >= 0)
			close(o->fd);
		o->fd = -1;
		o->size = 0;
	}
	bodies_end(k, STORE_OK);
}

/* The records of those that are there. */
static enum store_status find_all(struct look_bodies *k, struct mailbox *m)
{
	const struct store_set set = { k->ranges, k->range_count };
	struct message message;
	struct walk w;
	int r = 0;

	walk_open(&w, m, set, 1);
	while (k->count < STORE_BODIES && (r = walk_next(&w, &message)) > 0) {
		k->opened[k->count] = (struct store_opened){ .uid = message.r.uid, .fd = -1 };
		k->one[k->count].size = message.r.size;
		memcpy(k->one[k->count++].guid, message.r.guid, STORE_GUID);
	}
	walk_close(&w);
	return r < 0 ? STORE_CORRUPT : STORE_OK;
}

static enum turn_more bodies_try(struct look *l)
{
	struct look_bodies *k = (struct look_bodies *)l;
	struct mailbox *m = mailbox_by_id(l->account, k->mailbox);
	char folder[NAMES_MAILBOX_MAX];

	if (l->status == STORE_OK && m == NULL)
		l->status = STORE_NOT_FOUND;
	if (l->status == STORE_OK && !look_may_see(l, m))
		l->status = STORE_REFUSED;
	if (l->status == STORE_OK && k->range_count > 0)
		l->status = find_all(k, m);
	if (l->status != STORE_OK || k->count == 0) {
		bodies_end(k, l->status);
		return TURN_DONE;
	}
	names_mailbox(folder, l->account->folder, m->id);
	snprintf(k->folder, sizeof(k->folder), "%s/cur", folder);
	pool_start(l->account->s, &k->job, bodies_run, bodies_opened);
	return TURN_DONE;
}

uint64_t look_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids, store_bodies_done done,
		     void *arg)
{
	struct look_bodies *k = (struct look_bodies *)look_new(a, sizeof(*k), STORE_RIGHT_READ | STORE_RIGHT_POP);

	k->done = done;
	k->mailbox = mailbox;
	if (!store_bodies_valid(uids)) {
		if (k->look.status == STORE_OK)
			k->look.status = STORE_INVALID;
	} else if (uids->count > 0) {
		memcpy(k->ranges, uids->ranges, uids->count * sizeof(k->ranges[0]));
		k->range_count = uids->count;
	}
	return look_start(&k->look, bodies_try, arg);
}
