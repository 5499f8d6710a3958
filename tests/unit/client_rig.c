/* client_rig.c - the contract is in client_rig.h. */
#include "tests/unit/client_rig.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static const char *const verdicts[] = { "ok", "later", "never" };
static const char *const steps[] = { "greeting", "hello", "starttls", "auth", "rset", "mail",
				     "rcpt",	 "data",  "end",      "quit", "rest" };

void rig_start(struct rig *r, const struct client_config *config, const struct rig_plan *plan)
{
	*r = (struct rig){ .plan = plan };
	buf_init(&r->said, 1 << 24);
	buf_init(&r->told, 1 << 20);
	assert_int_equal(smtp_client_new(&r->engine, config, 0, NULL), 0);
}

void rig_stop(struct rig *r)
{
	smtp_client_free(r->engine);
	buf_clear(&r->said);
	buf_clear(&r->told);
}

static void begin(struct rig *r)
{
	struct error err = { 0 };

	if (r->begun < r->plan->count) {
		if (smtp_client_begin(r->engine, &r->plan->mails[r->begun].mail, &err) < 0)
			buf_printf(&r->told, "refused %s\n", err.words);
		r->begun++;
	} else if (r->plan->quit || r->quit) {
		smtp_client_quit(r->engine);
	}
}

static void give_body(struct rig *r)
{
	struct span rest = span_of(r->plan->mails[r->done].body);

	span_take(&rest, r->at);
	if (r->plan->fail_at > 0 && r->at >= r->plan->fail_at) {
		smtp_client_body_failed(r->engine);
	} else if (rest.n == 0) {
		smtp_client_body_end(r->engine);
	} else {
		rest = span_take(&rest, r->plan->piece > 0 ? r->plan->piece : CLIENT_PIECE);
		r->at += rest.n;
		smtp_client_body(r->engine, rest);
	}
}

static void tell(struct rig *r, const struct client_action *a)
{
	const struct client_reply *y = a->reply;

	switch (a->kind) {
	case CLIENT_READY:
		buf_put_text(&r->told, "ready\n");
		break;
	case CLIENT_EARLY:
		buf_put_text(&r->told, "early\n");
		break;
	case CLIENT_START_TLS:
		buf_put_text(&r->told, "tls\n");
		break;
	case CLIENT_RCPT_DONE:
		buf_printf(&r->told, "rcpt %zu %s %s %s\n", a->index, verdicts[y->verdict], y->status, y->words);
		break;
	case CLIENT_MAIL_DONE:
		buf_put_text(&r->told, "mail\n");
		break;
	case CLIENT_UNUSABLE:
		buf_printf(&r->told, "unusable %s %s %s %s\n", steps[y->step], verdicts[y->verdict], y->status, y->words);
		break;
	case CLIENT_CLOSE:
		buf_put_text(&r->told, "close\n");
		break;
	default:
		break;
	}
}

void rig_pump(struct rig *r)
{
	struct client_action a;

	for (size_t turns = 0;; turns++) {
		assert_true(turns < 1000000);
		smtp_client_next(r->engine, &a);
		tell(r, &a);
		switch (a.kind) {
		case CLIENT_NONE:
			return;
		case CLIENT_SEND:
			assert_true(a.bytes.n > 0);
			buf_put(&r->said, a.bytes);
			break;
		case CLIENT_START_TLS:
			smtp_client_secured(r->engine);
			break;
		case CLIENT_READY:
			begin(r);
			break;
		case CLIENT_EARLY:
			if (r->plan->early || r->begun == r->plan->count)
				begin(r);
			break;
		case CLIENT_WANT_BODY:
			give_body(r);
			break;
		case CLIENT_MAIL_DONE:
			r->at = 0;
			r->done++;
			break;
		default:
			r->closed |= a.kind == CLIENT_CLOSE;
		}
	}
}

void rig_feed(struct rig *r, struct span in)
{
	while (in.n > 0) {
		size_t before = in.n;

		smtp_client_feed(r->engine, &in);
		rig_pump(r);
		assert_true(in.n < before);	/* what is left is taken once it was told what was to be told */
	}
}

/* Feeds in, cut where `cut` says; *at counts the server's bytes. */
static void feed_cut(struct rig *r, struct span in, size_t cut, size_t *at)
{
	size_t first = in.n;

	if (cut == SIZE_MAX) {
		*at += in.n;
		while (in.n > 0)
			rig_feed(r, span_take(&in, 1));
		return;
	}
	if (cut > *at && cut < *at + in.n)
		first = cut - *at;
	*at += in.n;
	rig_feed(r, span_take(&in, first));
	rig_feed(r, in);
}

/* The next line of b must be want. */
static void expect(struct buf *b, struct span want)
{
	struct span all = buf_span(b), line;
	size_t had = all.n;

	line = span_take_until(&all, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (want.n > 0 && want.p[want.n - 1] == '*') {
		want.n--;
		line = span_take(&line, want.n);
	}
	if (!span_equal(line, want))
		fail_msg("got  \"%.*s\"\nwant \"%.*s\"", (int)line.n, (const char *)line.p, (int)want.n, (const char *)want.p);
	buf_drop(b, had - all.n);
}

static void play_line(struct rig *r, struct span line)
{
	char text[32] = { 0 };

	switch (line.p[0]) {
	case 'C':
		span_take(&line, 3);
		expect(&r->said, line);
		break;
	case '!':
		span_take(&line, 3);
		expect(&r->told, line);
		break;
	case 'E':
		memcpy(text, line.p + 3, line.n - 3);
		smtp_client_ended(r->engine, text);
		rig_pump(r);
		break;
	case 'T':
		memcpy(text, line.p + 3, line.n - 3);
		smtp_client_tick(r->engine, strtoull(text, NULL, 10));
		rig_pump(r);
		break;
	default:
		r->quit = true;
		begin(r);
		rig_pump(r);
	}
}

size_t rig_play(const struct client_config *config, const struct rig_plan *plan, const char *script, size_t cut)
{
	struct span rest = span_of(script);
	struct buf spoken;
	struct rig r;
	size_t at = 0;

	rig_start(&r, config, plan);
	buf_init(&spoken, 1 << 20);
	rig_pump(&r);
	while (rest.n > 0 || spoken.n > 0) {
		struct span line = span_take_until(&rest, '\n');
		bool raw = span_starts(line, "R:");

		if (raw || span_starts(line, "S:")) {
			span_take(&line, 3);
			buf_put(&spoken, line);
			buf_put_text(&spoken, raw ? "" : "\r\n");
			continue;
		}
		feed_cut(&r, buf_span(&spoken), cut, &at);
		buf_reset(&spoken);
		if (line.n > 0)
			play_line(&r, line);
	}
	unit_is(r.said.p, r.said.n, "");
	unit_is(r.told.p, r.told.n, "");
	buf_clear(&spoken);
	rig_stop(&r);
	return at;
}
