/* body.c - descriptors of messages and of the derived file, opened on the pool. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/local/look.h"
#include "storage/local/walk.h"

struct look_body {
	struct look look;
	store_body_done done;
	uint64_t mailbox;
	uint32_t uid;
	uint64_t size; /* as the index has it */
	char path[NAMES_PATH_MAX];
	struct job job;
	int fd, error;
	uint64_t found_size;
};

static void body_end(struct look_body *k, enum store_status status)
{
	if (status != STORE_OK && k->fd >= 0) {
		close(k->fd);
		k->fd = -1;
	}
	if (call_close(&k->look.call))
		k->done(k->look.call.arg, status, k->fd, k->found_size);
	else if (k->fd >= 0)
		close(k->fd);
	look_free(&k->look);
}

static void body_run(struct job *job)
{
	struct look_body *k = (struct look_body *)((char *)job - offsetof(struct look_body, job));
	struct stat st;

	k->fd = files_open(job->s->o.mail_fd, k->path, 0, &st);
	if (k->fd < 0)
		k->error = k->fd;
	else
		k->found_size = (uint64_t)st.st_size;
}

/* The file is not what the index says. Was the message expunged meanwhile? */
static enum store_status body_lost(const struct look_body *k)
{
	struct mailbox *m = mailbox_by_id(k->look.account, k->mailbox);
	char name[STORE_ACCOUNT_MAX * 4];
	struct message message;

	if (m == NULL || message_get(m, k->uid, &message) == -ENOENT)
		return STORE_NOT_FOUND;
	log_error("store body damaged account=%s mailbox=%08x uid=%u error=%d size=%llu expected=%llu",
		  escape_text(name, sizeof(name), span_of(k->look.account->name)), m->id, k->uid, -k->error,
		  (unsigned long long)k->found_size, (unsigned long long)k->size);
	return STORE_CORRUPT;
}

static void body_opened(struct job *job)
{
	struct look_body *k = (struct look_body *)((char *)job - offsetof(struct look_body, job));
	enum store_status status = STORE_OK;

	if (k->error == -EMFILE || k->error == -ENFILE || k->error == -ENOMEM)
		status = STORE_TRY_LATER;
	else if (k->error < 0 || k->found_size != k->size)
		status = body_lost(k);
	body_end(k, status);
}

static enum turn_more body_try(struct look *l)
{
	struct look_body *k = (struct look_body *)l;
	struct mailbox *m = mailbox_by_id(l->account, k->mailbox);
	struct message message;
	int r = 0;

	if (l->status == STORE_OK && m == NULL)
		l->status = STORE_NOT_FOUND;
	if (l->status == STORE_OK && !look_may_see(l, m))
		l->status = STORE_REFUSED;
	if (l->status == STORE_OK)
		r = message_get(m, k->uid, &message);
	if (r < 0)
		l->status = r == -ENOENT ? STORE_NOT_FOUND : STORE_CORRUPT;
	if (l->status != STORE_OK) {
		body_end(k, l->status);
		return TURN_DONE;
	}
	k->size = message.r.size;
	names_message(k->path, l->account->folder, m->id, k->uid, message.r.guid);
	pool_start(l->account->s, &k->job, body_run, body_opened);
	return TURN_DONE;
}

uint64_t look_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done, void *arg)
{
	struct look_body *k = (struct look_body *)look_new(a, sizeof(*k), STORE_RIGHT_READ | STORE_RIGHT_POP);

	k->done = done;
	k->mailbox = mailbox;
	k->uid = uid;
	k->fd = -1;
	return look_start(&k->look, body_try, arg);
}

/* --- the derived file ------------------------------------------------------ */

/* Made if it is not there: an empty one holds no metadata, as it should be. */
static void derived_run(struct job *job)
{
	struct look_body *k = (struct look_body *)((char *)job - offsetof(struct look_body, job));
	struct stat st;

	k->fd = files_open(job->s->o.mail_fd, k->path, O_CREAT, &st);
	k->error = k->fd < 0 ? k->fd : 0;
}

static void derived_opened(struct job *job)
{
	struct look_body *k = (struct look_body *)((char *)job - offsetof(struct look_body, job));

	body_end(k, k->error == 0 ? STORE_OK : k->error == -ENOENT ? STORE_NOT_FOUND : STORE_TRY_LATER);
}

static enum turn_more derived_try(struct look *l)
{
	struct look_body *k = (struct look_body *)l;

	if (l->status != STORE_OK) {
		body_end(k, l->status);
		return TURN_DONE;
	}
	snprintf(k->path, sizeof(k->path), "%s/derived", l->account->folder);
	k->found_size = l->account->record.derived_end;
	pool_start(l->account->s, &k->job, derived_run, derived_opened);
	return TURN_DONE;
}

uint64_t look_meta_file(struct store_account *a, store_body_done done, void *arg)
{
	struct look_body *k = (struct look_body *)look_new(a, sizeof(*k), STORE_RIGHT_READ);

	k->done = done;
	k->fd = -1;
	return look_start(&k->look, derived_try, arg);
}
