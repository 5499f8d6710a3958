/*
 * late.c - storaged or authd does not answer in time: the command ends with NO [UNAVAILABLE], the session goes on.
 *
 * A change may have been made all the same (storage/store.h on STORE_UNKNOWN), and its reply says so. What the
 * session's own pool does (IMAP_READ, IMAP_MATCH) may take as long as it needs.
 */
#include "imapd/session.h"

uint64_t imap_late_after(const struct imap_server *e)
{
	switch (e->ask.kind) {
	case IMAP_READ:
	case IMAP_MATCH:
		return UINT64_MAX;
	case IMAP_COMMIT:
		return e->now_ms + e->set.commit_ms;
	default:
		return e->now_ms + e->set.answer_ms;
	}
}

uint64_t imap_late_deadline(const struct imap_server *e)
{
	return e->waiting != 0 && !e->asked ? e->open_until_ms : UINT64_MAX;
}

void imap_late_tick(struct imap_server *e)
{
	struct imap_result r = { .status = e->ask.kind == IMAP_COMMIT ? STORE_UNKNOWN : STORE_TRY_LATER };

	if (e->now_ms < imap_late_deadline(e))
		return;
	if (e->ask.kind == IMAP_LOGIN)
		r.login = IMAP_LOGIN_LATER;
	e->late = e->ask.kind;
	e->looked = true;	/* the tagged reply waits for no other look; news come with the next command */
	imap_server_done(e, e->waiting, &r);
}
