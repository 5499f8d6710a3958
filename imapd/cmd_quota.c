/* cmd_quota.c - GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account is one quota root, "". */
#include "imapd/session.h"

struct quota {
	struct span name;	/* of the root, or of the mailbox */
};

bool imap_parse_getquota(struct imap_server *e, struct imap_parse *p)
{
	struct quota *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_astring(p, &d->name) && imap_parse_end(p);
}

bool imap_parse_getquotaroot(struct imap_server *e, struct imap_parse *p)
{
	struct quota *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_end(p);
}

/* RFC 9208 4.1.3: "(" [resource limit ...] ")" */
bool imap_parse_setquota(struct imap_server *e, struct imap_parse *p)
{
	struct quota *d = arena_alloc(e->arena, sizeof(*d));
	struct span resource;
	uint64_t limit;

	e->data = d;
	if (d == NULL || !imap_parse_astring(p, &d->name) || !imap_parse_space(p) || !imap_parse_byte(p, '('))
		return false;
	if (imap_parse_try(p, ')'))
		return imap_parse_end(p);
	do {
		if (!imap_parse_atom(p, &resource) || !imap_parse_space(p) ||
		    !imap_parse_number(p, INT64_MAX, &limit))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')') && imap_parse_end(p);
}

static const char *put_resource(struct imap_server *e, const char *space, const char *name, uint64_t used, uint64_t limit)
{
	if (limit == 0)
		return space;
	buf_printf(&e->out, "%s%s ", space, name);
	imap_put_number(&e->out, used);
	buf_put_byte(&e->out, ' ');
	imap_put_number(&e->out, limit);
	return " ";
}

/* RFC 9208 5.1: STORAGE counts in units of 1024 bytes. */
static uint64_t kilobytes(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 > 0);
}

static enum imap_run tell(struct imap_server *e)
{
	const struct store_quota *q;
	const char *space = "";

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	q = &e->result->list->quota;
	imap_text(e, "* QUOTA \"\" (");
	space = put_resource(e, space, "STORAGE", kilobytes(q->bytes), q->bytes_limit / 1024);
	space = put_resource(e, space, "MESSAGE", q->messages, q->messages_limit);
	put_resource(e, space, "MAILBOX", q->mailboxes, q->mailboxes_limit);
	imap_text(e, ")\r\n");
	return imap_done(e, "OK %s completed", e->command->name);
}

enum imap_run imap_run_getquota(struct imap_server *e)
{
	struct quota *d = e->data;

	if (d->name.n > 0)
		return imap_done(e, "NO [NONEXISTENT] There is one quota root, which is called \"\"");
	imap_ask(e, IMAP_LIST, tell)->from = 0;
	return IMAP_RUN_WAIT;
}

static enum imap_run found(struct imap_server *e)
{
	struct quota *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	imap_text(e, "* QUOTAROOT ");
	imap_tell_mailbox(e, d->name);
	imap_text(e, " \"\"\r\n");
	imap_ask(e, IMAP_LIST, tell)->from = 0;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_run_getquotaroot(struct imap_server *e)
{
	struct quota *d = e->data;

	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}

enum imap_run imap_run_setquota(struct imap_server *e)
{
	return imap_done(e, "NO [NOPERM] Limits are set by the administrator");
}
