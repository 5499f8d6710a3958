/*
 * progress.c - INPROGRESS (RFC 9585 4): a word to who waits for a command, between two lines.
 *
 * Due by the clock alone; told when the engine is asked next, so that one who does not read
 * gets one of them, not many.
 */
#include "imapd/session.h"

bool imap_is_busy(const struct imap_server *e)
{
	return e->command != NULL && e->step != NULL && !e->idling && !e->closing && e->input == IMAP_INPUT_COMMAND &&
	       e->state != IMAP_NOT_AUTH;
}

void imap_progress_tick(struct imap_server *e)
{
	if (!imap_is_busy(e) || e->now_ms < e->progress.next_ms)
		return;
	e->progress.due = true;
	e->progress.next_ms = e->now_ms + IMAP_PROGRESS_MS;
}

void imap_progress_tell(struct imap_server *e)
{
	struct imap_progress *p = &e->progress;

	if (!p->due || !imap_is_busy(e) || e->half || e->half_line)
		return;
	p->due = false;
	imap_text(e, "* OK [INPROGRESS (");
	imap_put_quoted(&e->out, e->tag);
	if (p->goal > 0)	/* the goal is more than what is done */
		buf_printf(&e->out, " %llu %llu", (unsigned long long)(p->done < p->goal ? p->done : p->goal - 1),
			   (unsigned long long)p->goal);
	else
		imap_text(e, " NIL NIL");
	imap_text(e, ")] Still at it\r\n");
}
