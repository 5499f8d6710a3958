/* queue_files.c - queue/ID.mail and queue/ID.envelope; the contract is in queue.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/write.h"
#include "storage/local/files.h"
#include "storage/local/queue.h"
#include "storage/local/stage.h"

static const char mail_end[] = ".mail", text_end[] = ".envelope";

void queue_name_mail(char out[QUEUE_NAME_MAX], const char *id)
{
	snprintf(out, QUEUE_NAME_MAX, "%s%s", id, mail_end);
}

void queue_name_text(char out[QUEUE_NAME_MAX], const char *id)
{
	snprintf(out, QUEUE_NAME_MAX, "%s%s", id, text_end);
}

bool queue_name_parse(const char *name, char id[STORE_ID_MAX], bool *mail)
{
	size_t n = strcspn(name, ".");

	*mail = strcmp(name + n, mail_end) == 0;
	if (!queue_id_valid((struct span){ (const uint8_t *)name, n }) ||
	    (!*mail && strcmp(name + n, text_end) != 0))
		return false;
	memcpy(id, name, n);
	id[n] = '\0';
	return true;
}

/* --- a new entry ------------------------------------------------------------- */

static int write_file(int at, const char *name, struct span text, int flags)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600), r;

	if (fd < 0)
		return -errno;
	r = files_write(fd, text, 0);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int queue_link(const struct local *s, struct commit *c)
{
	struct queue_work *w = c->queue;
	struct files_source source;
	char name[QUEUE_NAME_MAX];
	int r;

	stage_source(c->stage, &source);
	queue_name_mail(name, w->letter->head.id);
	r = files_link_new(s->o.queue_fd, &source, name);
	w->has_mail = r >= 0;
	if (r < 0)
		return r;
	/* Not synced: as long as the index is there, nobody reads it. */
	queue_name_text(name, w->letter->head.id);
	r = write_file(s->o.queue_fd, name, w->text, O_EXCL);
	w->has_text = r != -EEXIST;
	return r;
}

int queue_write_text(const struct local *s, const char *id, struct span text)
{
	char name[QUEUE_NAME_MAX];

	queue_name_text(name, id);
	return write_file(s->o.queue_fd, name, text, O_TRUNC);
}

/* --- afterwards --------------------------------------------------------------- */

struct queue_chore {
	struct queue_chore *next;
	char id[STORE_ID_MAX];
	size_t n; /* of lines; 0: the names go */
	uint8_t lines[];
};

struct queue_chores *queue_chores_new(struct local *s)
{
	struct queue_chores *k = local_alloc(sizeof(*k));

	k->s = s;
	return k;
}

static void chore_add(struct queue_chores *k, const char *id, struct span lines)
{
	struct queue_chore *c = local_alloc(sizeof(*c) + lines.n);

	snprintf(c->id, sizeof(c->id), "%s", id);
	if (lines.n > 0)
		memcpy(c->lines, lines.p, lines.n);
	c->n = lines.n;
	c->next = k->first;
	k->first = c;
}

void queue_chore_unlink(struct queue_chores *k, const char *id)
{
	chore_add(k, id, (struct span){ NULL, 0 });
}

void queue_chore_append(struct queue_chores *k, const char *id, struct span lines)
{
	if (lines.n > 0)
		chore_add(k, id, lines);
}

/* The body first: an envelope without one is an entry that has gone (queue_load.c). */
static void unlink_names(int at, const char *id)
{
	char name[QUEUE_NAME_MAX];

	queue_name_mail(name, id);
	unlinkat(at, name, 0);
	queue_name_text(name, id);
	unlinkat(at, name, 0);
}

/* All of them or none; if it fails, the index has them. */
static void append_lines(int at, const struct queue_chore *c)
{
	char name[QUEUE_NAME_MAX];
	off_t end;
	int fd;

	queue_name_text(name, c->id);
	fd = openat(at, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	end = lseek(fd, 0, SEEK_END);
	if (write_whole(fd, (struct span){ c->lines, c->n }) < 0 && (end < 0 || ftruncate(fd, end) < 0))
		unlinkat(at, name, 0); /* the next start makes it again */
	close(fd);
}

static void chores_run(struct job *job)
{
	struct queue_chores *k = (struct queue_chores *)((char *)job - offsetof(struct queue_chores, job));
	int at = k->s->o.queue_fd;

	for (struct queue_chore *c = k->first; c != NULL; c = c->next)
		if (c->n > 0)
			append_lines(at, c);
		else
			unlink_names(at, c->id);
}

static void chores_done(struct job *job)
{
	struct queue_chores *k = (struct queue_chores *)((char *)job - offsetof(struct queue_chores, job));

	while (k->first != NULL) {
		struct queue_chore *c = k->first;

		k->first = c->next;
		free(c);
	}
	free(k);
}

void queue_chores_run(struct queue_chores *k)
{
	pool_start(k->s, &k->job, chores_run, chores_done);
}

static void chores_flushed(struct after *after, enum store_status status)
{
	struct queue_chores *k =
	    (struct queue_chores *)((char *)after - offsetof(struct queue_chores, after));

	(void)status;
	queue_chores_run(k);
	k->s->job_count--; /* local_close has waited for the flush, too */
}

void queue_chores_run_later(struct queue_chores *k)
{
	k->s->job_count++;
	k->after.run = chores_flushed;
	flush_after(k->s, &k->after);
}
