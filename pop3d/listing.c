/* listing.c - LIST and UIDL: of one message, or of all, row by row as there is room. */
#include <string.h>

#include "pop3d/state.h"

struct maildrop_message *pop3_take_message(struct pop3_server *e, struct span *args)
{
	struct maildrop_message *m = NULL;
	uint64_t number;

	if (span_number(span_take_until(args, ' '), UINT32_MAX, &number))
		m = maildrop_get(&e->drop, number);
	if (m == NULL)
		pop3_bad(e, "-ERR no such message");
	return m;
}

/* Writes n and what stands behind it so that they end at `end`; gives where they begin. */
static char *write_before(char *end, uint64_t n, const char *behind)
{
	for (size_t i = strlen(behind); i > 0; i--)
		*--end = behind[i - 1];
	do
		*--end = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return end;
}

/* By hand: a maildrop of 100,000 has as many rows, twice. */
static void put_row(struct pop3_server *e, const char *before, size_t i)
{
	const struct maildrop_message *m = &e->drop.messages[i];
	char row[64], *end = row + sizeof(row), *at = end;

	if (e->running == LONG_LIST) {
		at = write_before(at, m->size, "\r\n");
	} else {
		at = write_before(at, m->uid, "\r\n");
		at = write_before(at, e->drop.uidvalidity, ".");
	}
	at = write_before(at, i + 1, " ");
	buf_put_text(&e->replies, before);
	buf_put(&e->replies, (struct span){ (const uint8_t *)at, (size_t)(end - at) });
}

static void list(struct pop3_server *e, struct span args, enum pop3_long which)
{
	e->running = which;
	if (args.n > 0) {
		const struct maildrop_message *m = pop3_take_message(e, &args);

		if (m != NULL)
			put_row(e, "+OK ", (size_t)(m - e->drop.messages));
		e->running = LONG_NONE;
		return;
	}
	pop3_replyf(e, "+OK %zu messages", e->drop.left);
	e->row = 0;
}

void pop3_run_list(struct pop3_server *e, struct span args)
{
	list(e, args, LONG_LIST);
}

void pop3_run_uidl(struct pop3_server *e, struct span args)
{
	list(e, args, LONG_UIDL);
}

void pop3_listing_go(struct pop3_server *e)
{
	for (; e->row < e->drop.count && e->replies.n <= e->config.output_limit; e->row++)
		if (!e->drop.messages[e->row].deleted)
			put_row(e, "", e->row);
	if (e->row < e->drop.count)
		return;
	pop3_reply(e, ".");
	e->running = LONG_NONE;
	e->deadline = e->now_ms + e->config.idle_ms;
}
