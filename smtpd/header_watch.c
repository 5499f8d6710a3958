/* header_watch.c - the contract is in header_watch.h. */
#include "smtpd/header_watch.h"

#include <string.h>

#include "common/base/ascii.h"

void header_watch_init(struct header_watch *w)
{
	*w = (struct header_watch){ .line_start = true };
	buf_init(&w->delivered, WATCH_DELIVERED);
}

void header_watch_clear(struct header_watch *w)
{
	buf_clear(&w->delivered);
}

static bool name_is(const struct header_watch *w, const char *name)
{
	return w->n == strlen(name) && w->n < sizeof(w->name) && memcmp(w->name, name, w->n) == 0;
}

/* What is between the field's name and its end was kept: into the result with it. */
static void value_end(struct header_watch *w)
{
	struct span value = span_trim((struct span){ (const uint8_t *)w->value, w->value_n });
	enum watch_field field = w->field;
	bool whole = w->value_n < sizeof(w->value);

	w->field = WATCH_NONE;
	if (field == WATCH_MESSAGE_ID && whole && *w->message_id == '\0') {
		memcpy(w->message_id, value.p, value.n);
		w->message_id[value.n] = '\0';
	} else if (field == WATCH_DELIVERED_TO && whole) {
		buf_put(&w->delivered, value);
		buf_put_byte(&w->delivered, '\n');
	} else if (field == WATCH_TLS_REQUIRED) {
		w->tls_optional |= whole && span_is_nocase(value, "no");
	}
}

static void value_byte(struct header_watch *w, uint8_t c)
{
	if (w->field == WATCH_NONE || c == '\r' || c == '\n')
		return;
	if (w->value_n < sizeof(w->value))
		w->value[w->value_n++] = c != 0 ? (char)c : ' ';
}

static void field_seen(struct header_watch *w)
{
	while (w->n > 0 && w->n < sizeof(w->name) && (w->name[w->n - 1] == ' ' || w->name[w->n - 1] == '\t'))
		w->n--;		/* RFC 5322 4.5: old mail has white space before the colon */
	w->received += name_is(w, "received");
	w->date |= name_is(w, "date");
	w->has_message_id |= name_is(w, "message-id");
	w->value_n = 0;
	w->field = name_is(w, "message-id")    ? WATCH_MESSAGE_ID
		   : name_is(w, "delivered-to") ? WATCH_DELIVERED_TO
		   : name_is(w, "tls-required") ? WATCH_TLS_REQUIRED
						: WATCH_NONE;
}

static void name_byte(struct header_watch *w, uint8_t c)
{
	if (c == ':') {
		field_seen(w);
		w->in_name = false;
		return;
	}
	if (w->n < sizeof(w->name))
		w->name[w->n] = (char)ascii_lower(c);
	w->n++;
}

/* The first byte of a line. Returns false if the header ends before it. */
static bool first_byte(struct header_watch *w, uint8_t c)
{
	w->line_start = false;
	w->in_name = c != ' ' && c != '\t';	/* RFC 5322 2.2.3: a folded line */
	w->n = 0;
	if (w->in_name)
		value_end(w);
	return c != '\r' && c != '\n';
}

size_t header_watch_feed(struct header_watch *w, struct span in)
{
	if (w->over)
		return 0;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (w->line_start && !first_byte(w, c)) {
			w->over = true;
			return i;
		}
		w->eight_bit |= c >= 0x80;
		if (c == '\n')
			w->line_start = true;
		else if (w->in_name)
			name_byte(w, c);
		else
			value_byte(w, c);
	}
	return in.n;
}

void header_watch_end(struct header_watch *w)
{
	if (!w->over)
		value_end(w);
}
