/* header_watch.c - the contract is in header_watch.h. */
#include "smtpd/header_watch.h"

#include <string.h>

#include "common/base/ascii.h"

void header_watch_init(struct header_watch *w)
{
	*w = (struct header_watch){ .line_start = true };
}

static bool name_is(const struct header_watch *w, const char *name)
{
	return w->n == strlen(name) && w->n < sizeof(w->name) && memcmp(w->name, name, w->n) == 0;
}

static void field_seen(struct header_watch *w)
{
	while (w->n > 0 && w->n < sizeof(w->name) && (w->name[w->n - 1] == ' ' || w->name[w->n - 1] == '\t'))
		w->n--;		/* RFC 5322 4.5: old mail has white space before the colon */
	w->received += name_is(w, "received");
	w->from += name_is(w, "from");
	w->date |= name_is(w, "date");
	w->message_id |= name_is(w, "message-id");
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
		if (c == '\n')
			w->line_start = true;
		else if (w->in_name)
			name_byte(w, c);
	}
	return in.n;
}
