/* session_page.c - the contract is in session_page.h. */
#include "admin/session_page.h"

#include <errno.h>

static bool session_read(struct session *out, struct span line, uint64_t *id)
{
	uint64_t since_s;

	out->id = span_take_until(&line, ' ');
	out->protocol = span_take_until(&line, ' ');
	out->peer = span_take_until(&line, ' ');
	out->tls = span_take_until(&line, ' ');
	if (!span_number(out->id, UINT64_MAX, id) || !span_number(span_take_until(&line, ' '), INT64_MAX, &since_s) || line.n == 0)
		return false;
	accounts_time_text(out->since, (int64_t)since_s);
	out->account = span_take_until(&line, ' ');
	out->mailbox = line.n > 0 ? line : span_of("-");
	return true;
}

/* What one process has said. */
struct said {
	struct span name; /* "imapd 2"; empty: none yet */
	uint64_t lowest;
	bool answered, cut;
};

static int said_end(struct session_page *p, const struct said *said, struct error *err)
{
	if (said->name.n == 0)
		return 0;
	if (!said->answered)
		return error_set(err, -ENODATA, "%.*s has not answered: its sessions are missing", (int)said->name.n,
				 (const char *)said->name.p);
	if (said->cut && said->lowest == p->before)
		return error_set(err, -ENODATA, "%.*s has more sessions than can be listed", (int)said->name.n,
				 (const char *)said->name.p);
	if (said->cut && said->lowest > p->next)
		p->next = said->lowest;
	return 0;
}

int session_page_read(struct session_page *p, struct span text, uint64_t before, struct error *err)
{
	struct said said = { .name = { NULL, 0 } };
	struct session one;
	uint64_t id;
	int rc = 0;

	*p = (struct session_page){ .text = text, .before = before };
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n'), key = span_take_until(&line, ' ');

		if (span_is(key, "daemon")) {
			rc = said_end(p, &said, err) < 0 ? -ENODATA : rc;
			said = (struct said){ .name = line, .lowest = before };
		} else if (span_is(key, "more") || span_is(key, "cut")) {
			said.answered = true;
			said.cut |= !span_is(line, "0");
		} else if (span_is(key, "session") && session_read(&one, line, &id) && id < said.lowest) {
			said.lowest = id;
		}
	}
	return said_end(p, &said, err) < 0 ? -ENODATA : rc;
}

bool session_page_next(struct session_page *p, struct session *out)
{
	while (p->text.n > 0) {
		struct span line = span_take_until(&p->text, '\n'), key = span_take_until(&line, ' ');
		uint64_t id;

		if (span_is(key, "daemon")) {
			p->daemon = span_take_until(&line, ' ');
			p->worker = line;
		} else if (span_is(key, "session") && session_read(out, line, &id) && id < p->before && id >= p->next) {
			out->daemon = p->daemon;
			out->worker = p->worker;
			return true;
		}
	}
	return false;
}
