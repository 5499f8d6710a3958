/* sign.c - the contract is in sign.h.
 *
 * The whole look happens on libuv's pool: reading waits for the disk there, and an RSA signature
 * takes longer than all else that is done for a message. */
#include "deliverd/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliverd/engine.h"
#include "deliverd/keyring.h"
#include "mime/address.h"
#include "mime/downgrade.h"
#include "mime/header.h"

enum { SIGNATURES_MAX = 1 << 20, READ = 8 * 1024, OUT_MAX = 8 << 20 };

struct signing {
	uv_work_t work;
	struct conf *conf;		/* held: its keys are */
	int fd;				/* its own; -1: there is nothing to look at */
	enum content_form form;
	bool ours;
	int64_t now_s;
	void (*wake)(void *arg);	/* NULL: it was freed meanwhile */
	void *arg;
	bool running, done;

	/* the thread's, until it is done */
	struct mime_downgrade *downgrade;
	struct dkim_signer *signer;
	struct buf header;		/* until its end was seen */
	bool header_over;
	const struct dkim_key *keys[DKIM_KEYS];
	size_t key_count;
	uint64_t size;
	struct buf fields;
	int result;
	struct error err;
};

bool signing_is_due(const struct conf *conf, const struct job *j)
{
	const struct store_envelope *e = &j->q.envelope;

	return !keyring_empty(conf->keys) && (e->account.n > 0 || (e->flags & STORE_MAIL_REPORT) != 0);
}

struct signing *signing_new(struct conf *conf, struct job *j, enum content_form form, void (*wake)(void *arg),
			    void *arg)
{
	struct signing *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conf = conf_hold(conf);
	s->form = form;
	s->wake = wake;
	s->arg = arg;
	s->now_s = deliverd_now_s();
	s->size = j->q.size;
	s->fd = -1;
	buf_init(&s->fields, SIGNATURES_MAX);
	buf_init(&s->header, DKIM_HEADER_MAX);
	s->ours = signing_is_due(conf, j);
	if (s->ours || form == CONTENT_7BIT)
		s->fd = fcntl(j->fd, F_DUPFD_CLOEXEC, 0);
	else
		s->done = true;
	return s;
}

static void signing_clear(struct signing *s)
{
	if (s->fd >= 0)
		close(s->fd);
	mime_downgrade_free(s->downgrade);
	dkim_signer_free(s->signer);
	buf_clear(&s->header);
	buf_clear(&s->fields);
	conf_drop(s->conf);
	free(s);
}

void signing_free(struct signing *s)
{
	if (s == NULL)
		return;
	s->wake = NULL;
	if (!s->running)
		signing_clear(s);
}

/* --- on the pool -------------------------------------------------------------------- */

/* RFC 8460 3: reports come from our own name, which seldom has keys; those of a domain of ours above it
 * align with it as well (RFC 7489 3.1.1). */
static size_t keys_above(const struct signing *s, struct span domain, const struct dkim_key **out)
{
	size_t count = 0;

	if (!span_is_nocase(domain, s->conf->hostname))
		return 0;
	while (count == 0 && domain.n > 0) {
		span_take_until(&domain, '.');
		count = keyring_find(s->conf->keys, domain, out);
	}
	return count;
}

/* The first mailbox's domain of the first From (RFC 6376 5.1: who signs is who says so). */
static void find_keys(struct signing *s)
{
	struct mime_header_field field;
	struct mime_address_walk walk;
	struct mime_address a;
	bool found = false;

	if (!mime_header_find(buf_span(&s->header), "From", &field))
		return;
	mime_address_walk_init(&walk, field.value);
	while (!found && mime_address_next(&walk, &a))
		found = a.kind == MIME_ADDRESS_MAILBOX && a.domain.n > 0;
	if (found)
		s->key_count = keyring_find(s->conf->keys, a.domain, s->keys);
	if (found && s->key_count == 0)
		s->key_count = keys_above(s, a.domain, s->keys);
	mime_address_walk_clear(&walk);
}

static void sign_not(struct signing *s)
{
	dkim_signer_free(s->signer);
	s->signer = NULL;
}

static void feed(struct signing *s, struct span piece)
{
	s->size += piece.n;
	if (s->signer == NULL)
		return;
	if (dkim_signer_feed(s->signer, piece) < 0) {	/* a header that is larger than can be signed */
		sign_not(s);
		return;
	}
	if (s->header_over)
		return;
	buf_put(&s->header, piece);
	s->header_over = s->header.failed || mime_header_end(buf_span(&s->header)) < s->header.n;
	if (!s->header_over)
		return;
	find_keys(s);
	buf_clear(&s->header);
	if (s->key_count == 0)
		sign_not(s);
}

static int feed_converted(struct signing *s, struct span piece, bool end)
{
	struct buf out;
	int r;

	buf_init(&out, OUT_MAX);
	r = end ? mime_downgrade_end(s->downgrade, &out, &s->err) : mime_downgrade_feed(s->downgrade, piece, &out, &s->err);
	if (r == 0 && out.failed)
		r = error_set(&s->err, -EINVAL, "the message grows too much when it is converted");
	if (r == 0)
		feed(s, buf_span(&out));
	buf_clear(&out);
	return r;
}

/* Reads as long as it is good for something. */
static int read_all(struct signing *s)
{
	uint8_t p[READ];
	off_t offset = 0;
	int r = 0;

	while (r == 0 && (s->signer != NULL || s->downgrade != NULL)) {
		ssize_t n = pread(s->fd, p, sizeof(p), offset);
		struct span piece = { p, n > 0 ? (size_t)n : 0 };

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_system(&s->err, errno, "the message can't be read");
		if (n == 0)
			return s->downgrade != NULL ? feed_converted(s, piece, true) : 0;
		if (offset == 0)
			span_take(&piece, content_skip(piece));
		offset += n;
		if (s->downgrade != NULL)
			r = feed_converted(s, piece, false);
		else
			feed(s, piece);
	}
	return r;
}

static int look(struct signing *s)
{
	uint64_t whole = s->size;
	int r = 0;

	s->size = 0;
	if (s->fd < 0)
		return error_set(&s->err, -EMFILE, "no descriptor to sign the message");
	if (s->form == CONTENT_7BIT)
		r = mime_downgrade_new(&s->downgrade, &s->err);
	if (r == 0 && s->ours)
		r = dkim_signer_new(&s->signer, &s->err);
	if (r == 0)
		r = read_all(s);
	if (s->downgrade == NULL)
		s->size = whole;
	if (r == 0 && s->signer != NULL && !s->header_over)	/* nothing but a header */
		find_keys(s);
	if (r < 0 || s->signer == NULL || s->key_count == 0)
		return r;
	return dkim_signer_finish(s->signer, s->keys, s->key_count, s->now_s, &s->fields, &s->err);
}

static void on_pool(uv_work_t *work)
{
	struct signing *s = (struct signing *)work;

	s->result = look(s);
}

/* --- on the loop --------------------------------------------------------------------- */

static void on_loop(uv_work_t *work, int status)
{
	struct signing *s = (struct signing *)work;

	(void)status;
	s->running = false;
	s->done = true;
	if (s->wake == NULL)
		signing_clear(s);
	else
		s->wake(s->arg);
}

int signing_run(struct signing *s, uv_loop_t *loop, struct error *err)
{
	if (s->done) {
		*err = s->err;
		return s->result < 0 ? s->result : 1;
	}
	if (s->running)
		return -EAGAIN;
	s->running = uv_queue_work(loop, &s->work, on_pool, on_loop) == 0;
	return s->running ? -EAGAIN : error_set(err, -ENOMEM, "no memory to sign the message");
}

struct span signing_result(const struct signing *s)
{
	return buf_span(&s->fields);
}

uint64_t signing_size(const struct signing *s)
{
	return s->size;
}
