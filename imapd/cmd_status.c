/* cmd_status.c - STATUS (RFC 3501 6.3.10, RFC 9051 6.3.11). */
#include "imapd/session.h"

static const struct {
	const char *name;
	unsigned bit;
} items[] = {
	{ "MESSAGES", IMAP_STATUS_MESSAGES },       { "RECENT", IMAP_STATUS_RECENT }, { "UIDNEXT", IMAP_STATUS_UIDNEXT },
	{ "UIDVALIDITY", IMAP_STATUS_UIDVALIDITY }, { "UNSEEN", IMAP_STATUS_UNSEEN },
	{ "DELETED", IMAP_STATUS_DELETED },	       { "SIZE", IMAP_STATUS_SIZE },
	{ "HIGHESTMODSEQ", IMAP_STATUS_HIGHESTMODSEQ }, { "DELETED-STORAGE", IMAP_STATUS_DELETED_STORAGE },
	{ "APPENDLIMIT", IMAP_STATUS_APPENDLIMIT },
};

static bool parse_item(struct imap_parse *p, unsigned *wanted)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (imap_parse_try_word(p, items[i].name)) {
			*wanted |= items[i].bit;
			return true;
		}
	}
	if (imap_parse_try_word(p, "MAILBOXID")) {
		*wanted |= IMAP_STATUS_MAILBOXID;
		return true;
	}
	return imap_parse_fail(p, "no such item");
}

bool imap_status_parse(struct imap_parse *p, unsigned *wanted)
{
	if (!imap_parse_byte(p, '('))
		return false;
	do {
		if (!parse_item(p, wanted))
			return false;
	} while (imap_parse_try(p, ' '));
	return imap_parse_byte(p, ')');
}

void imap_status_tell(struct imap_server *e, const struct imap_status *d)
{
	const uint64_t values[] = { d->m.exists,  d->recent, d->m.uidnext, d->m.uidvalidity,
				    d->m.unseen, d->m.deleted, d->m.size, d->m.modseq, d->deleted_bytes,
				    e->set.message_limit };
	const char *space = "";

	imap_text(e, "* STATUS ");
	imap_tell_mailbox(e, d->m.name);
	imap_text(e, " (");
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if ((d->wanted & items[i].bit) == 0)
			continue;
		buf_printf(&e->out, "%s%s ", space, items[i].name);
		imap_put_number(&e->out, values[i]);
		space = " ";
	}
	if ((d->wanted & IMAP_STATUS_MAILBOXID) != 0) {
		buf_printf(&e->out, "%sMAILBOXID (", space);
		imap_put_mailbox_id(&e->out, d->m.id);
		imap_text(e, ")");
	}
	imap_text(e, ")\r\n");
}

static enum imap_run finish(struct imap_server *e)
{
	imap_status_tell(e, e->status);
	return imap_go(e, e->status->after);
}

/* --- what the mailbox does not say of itself: looked at page by page --------- */

static enum imap_run look(struct imap_server *e, enum store_want want, imap_step page)
{
	imap_ask(e, IMAP_SYNC, page)->look = (struct store_look){
		.mailbox = e->status->m.id, .want = want, .first = e->status->next, .last = UINT32_MAX
	};
	return IMAP_RUN_WAIT;
}

static enum imap_run deleted_page(struct imap_server *e);

static enum imap_run deleted_ask(struct imap_server *e)
{
	return look(e, STORE_WANT_RECORDS, deleted_page);
}

static enum imap_run deleted_page(struct imap_server *e)
{
	const struct store_page *page = e->result->page;
	struct imap_status *d = e->status;

	d->status = e->result->status;
	if (d->status != STORE_OK)
		return imap_go(e, d->after);
	for (size_t i = 0; i < page->record_count; i++)
		if ((page->records[i].flags & STORE_DELETED) != 0)
			d->deleted_bytes += page->records[i].size;
	e->work += (unsigned)page->record_count / 64;
	d->next = page->next_uid;
	return imap_go(e, d->next != 0 ? deleted_ask : finish);
}

static enum imap_run begin_deleted(struct imap_server *e)
{
	struct imap_status *d = e->status;

	d->next = 1;
	if ((d->wanted & IMAP_STATUS_DELETED_STORAGE) == 0 || d->m.deleted == 0)
		return imap_go(e, finish);
	return imap_go(e, deleted_ask);
}

static enum imap_run recent_page(struct imap_server *e);

static enum imap_run recent_ask(struct imap_server *e)
{
	return look(e, STORE_WANT_RANGES, recent_page);
}

static enum imap_run recent_page(struct imap_server *e)
{
	struct imap_status *d = e->status;
	struct store_set set;

	d->status = e->result->status;
	if (d->status != STORE_OK)
		return imap_go(e, d->after);
	set = (struct store_set){ e->result->page->ranges, e->result->page->range_count };
	d->recent += imap_set_count(&set);
	d->next = e->result->page->next_uid;
	return imap_go(e, d->next != 0 ? recent_ask : begin_deleted);
}

enum imap_run imap_status_run(struct imap_server *e, struct imap_status *d, imap_step after)
{
	d->after = after;
	d->status = STORE_OK;
	d->recent = d->deleted_bytes = 0;
	d->next = d->m.recent_uid > 0 ? d->m.recent_uid : 1;
	e->status = d;
	if ((d->wanted & IMAP_STATUS_RECENT) != 0 && d->next < d->m.uidnext)
		return imap_go(e, recent_ask);
	return imap_go(e, begin_deleted);
}

void imap_status_knows(struct imap_server *e, unsigned wanted)
{
	if ((wanted & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		imap_know_condstore(e);
}

/* --- the command ------------------------------------------------------------ */

struct status {
	struct span name;
	struct imap_status ask;
};

bool imap_parse_status(struct imap_server *e, struct imap_parse *p)
{
	struct status *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	return d != NULL && imap_parse_mailbox(p, &d->name) && imap_parse_space(p) &&
	       imap_status_parse(p, &d->ask.wanted) && imap_parse_end(p);
}

static enum imap_run told(struct imap_server *e)
{
	enum store_status status = e->status->status;

	return status == STORE_OK ? imap_done(e, "OK STATUS completed") : imap_no(e, status);
}

static enum imap_run found(struct imap_server *e)
{
	struct status *d = e->data;

	if (e->result->status != STORE_OK)
		return imap_no(e, e->result->status);
	d->ask.m = *e->result->mailbox;
	d->ask.m.name = d->name;
	return imap_status_run(e, &d->ask, told);
}

enum imap_run imap_run_status(struct imap_server *e)
{
	struct status *d = e->data;

	imap_status_knows(e, d->ask.wanted);
	imap_ask(e, IMAP_FIND, found)->name = d->name;
	return IMAP_RUN_WAIT;
}
