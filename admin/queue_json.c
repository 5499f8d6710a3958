/* queue_json.c - an entry of the queue for scripts. */
#include "admin/json.h"
#include "admin/queue_parts.h"
#include "auth/accounts_text.h"

/* Nothing where the time is not known. */
static void put_time(struct buf *b, const char *name, int64_t real_s)
{
	char text[ACCOUNTS_TIME];

	if (real_s <= 0) {
		json_null(b, name);
		return;
	}
	accounts_time_text(text, real_s);
	json_text(b, name, text);
}

static void put_bits(struct buf *b, const char *name, unsigned bits, const char *(*word)(unsigned i))
{
	json_open(b, name, '[');
	for (unsigned i = 0; word(i) != NULL; i++)
		if ((bits & 1u << i) != 0)
			json_text(b, NULL, word(i));
	json_close(b, ']');
}

static void put_recipient(struct buf *b, const struct queue_shown_recipient *r)
{
	json_open(b, NULL, '{');
	json_span(b, "address", r->to.address);
	json_span(b, "sender", r->to.sender);
	json_span(b, "original", r->to.original);
	json_span(b, "orcpt", r->to.orcpt);
	put_bits(b, "notify", r->to.notify, queue_words_notify);
	json_text(b, "state", queue_words_state_name(r->state));
	json_bool(b, "bounce", r->bounce);
	json_bool(b, "delay_told", r->noticed);
	json_number(b, "attempts", r->attempts);
	put_time(b, "next", r->next_s);
	put_time(b, "tried", r->tried_s);
	json_span(b, "status", r->status);
	json_span(b, "words", r->words);
	json_span(b, "host", r->host);
	json_span(b, "route", r->route);
	json_span(b, "domain", r->domain);
	put_time(b, "domain_held_off_until", r->domain_until_s);
	json_span(b, "domain_words", r->domain_words);
	json_close(b, '}');
}

void queue_json_entry(struct buf *b, const struct queue_shown *e)
{
	json_open(b, NULL, '{');
	json_text(b, "id", e->envelope.id);
	put_time(b, "accepted", e->created_s);
	json_number(b, "size", (int64_t)e->size);
	json_span(b, "sender", e->count > 0 ? e->recipients[0].to.sender : (struct span){ NULL, 0 });
	json_span(b, "account", e->envelope.account);
	json_span(b, "envid", e->envelope.envid);
	json_span(b, "message_id", e->envelope.message_id);
	put_bits(b, "flags", e->envelope.flags, queue_words_flag);
	if (e->aside != NULL)
		json_text(b, "aside", e->aside);
	else
		json_null(b, "aside");
	json_open(b, "recipients", '[');
	for (size_t i = 0; i < e->count; i++)
		put_recipient(b, &e->recipients[i]);
	json_close(b, ']');
	json_close(b, '}');
}
