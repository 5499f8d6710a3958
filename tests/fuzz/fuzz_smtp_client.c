/* fuzz_smtp_client.c - any bytes from a server into the SMTP client; the first two choose what the
 * client wants and how the bytes are cut.
 * link: deliverd sasl common/base */
#include <sanitizer/allocator_interface.h>
#include <stdlib.h>
#include <string.h>

#include "deliverd/engine.h"

enum { MEMORY_MAX = 1 << 20, RCPTS = 5, MAILS = 20 };

struct shell {
	struct smtp_client *e;
	uint8_t seed;
	size_t begun, over;
	unsigned told;		/* bits of the recipients of the older mail */
	size_t pieces;
	bool unusable, closed;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static void begin(struct shell *s)
{
	static const struct client_rcpt to[RCPTS] = {
		{ .address = { (const uint8_t *)"a@b", 3 }, .notify = 1 },
		{ .address = { (const uint8_t *)"b@c", 3 } },
		{ .address = { (const uint8_t *)"c@b", 3 }, .notify = 8 },
		{ .address = { (const uint8_t *)"d@b", 3 } },
		{ .address = { (const uint8_t *)"e@d", 3 } },
	};
	const struct client_offers *o = smtp_client_offers(s->e);
	struct client_mail m = { .rcpts = to, .count = RCPTS, .size = 10, .eightbit = o->eightbit, .utf8 = o->smtputf8 };

	if (s->begun < MAILS && (o->size_limit == 0 || o->size_limit >= 10)) {
		check(smtp_client_begin(s->e, &m, NULL) == 0);
		s->begun++;
	} else {
		smtp_client_quit(s->e);
	}
}

static void body(struct shell *s)
{
	static const uint8_t piece[CLIENT_PIECE] = "\n.\r.\r\n\n.";

	check(s->over < s->begun);
	if (s->pieces++ % 4 == 3)
		smtp_client_body_end(s->e);
	else if ((s->seed & 32) != 0 && s->pieces % 4 == 2)
		smtp_client_body_failed(s->e);
	else
		smtp_client_body(s->e, (struct span){ piece, s->pieces % 4 == 1 ? CLIENT_PIECE : 8 });
}

static void rcpt_done(struct shell *s, const struct client_action *a)
{
	check(s->over < s->begun && a->index < RCPTS && (s->told & 1u << a->index) == 0);
	check(a->reply->status[0] == (a->reply->verdict == CLIENT_OK ? '2' : a->reply->verdict == CLIENT_NEVER ? '5' : '4'));
	s->told |= 1u << a->index;
	for (const char *c = a->reply->words; *c != '\0'; c++)
		check(*c >= ' ' && *c < 0x7f);
}

static void play(struct shell *s, const struct client_action *a)
{
	switch (a->kind) {
	case CLIENT_SEND:
		check(a->bytes.n > 0 && !s->closed);
		break;
	case CLIENT_START_TLS:
		smtp_client_secured(s->e);
		break;
	case CLIENT_READY:
		check(s->over == s->begun);
		begin(s);
		break;
	case CLIENT_EARLY:
		if ((s->seed & 16) != 0)
			begin(s);
		break;
	case CLIENT_WANT_BODY:
		body(s);
		break;
	case CLIENT_RCPT_DONE:
		rcpt_done(s, a);
		break;
	case CLIENT_MAIL_DONE:
		check(s->told == (1u << RCPTS) - 1);	/* each recipient has a verdict, once */
		s->told = 0;
		s->over++;
		break;
	case CLIENT_UNUSABLE:
		check(!s->unusable && s->over == s->begun);
		s->unusable = true;
		break;
	default:
		check(!s->closed && s->over == s->begun);
		s->closed = true;
	}
}

static void pump(struct shell *s)
{
	struct client_action a;

	for (unsigned steps = 0;; steps++) {
		check(steps < 100000);
		smtp_client_next(s->e, &a);
		if (a.kind == CLIENT_NONE)
			return;
		play(s, &a);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[18] = "123456789012345678";
	struct client_config config = { .hostname = "h", .times = { 9, 9, 9, 9, 9, 9, 9, 9 }, .nonce = { nonce, 18 } };
	size_t before = __sanitizer_get_current_allocated_bytes(), step;
	struct shell s = { 0 };
	struct span in;

	if (size < 2)
		return 0;
	s.seed = data[0];
	config.lmtp = (s.seed & 1) != 0;
	config.start_tls = (s.seed & 2) != 0;
	config.tls = (s.seed & 4) != 0;
	if ((s.seed & 8) != 0) {
		config.user = config.password = "u";
		config.mechanisms = "SCRAM-SHA-256,PLAIN,LOGIN,EXTERNAL";
		config.auth_in_clear = true;
	}
	step = (size_t)data[1] + 1;
	in = (struct span){ data + 2, size - 2 };
	if (smtp_client_new(&s.e, &config, 0, NULL) < 0)
		return 0;
	pump(&s);
	while (in.n > 0) {
		struct span piece = span_take(&in, step);

		while (piece.n > 0) {
			size_t had = piece.n;

			smtp_client_feed(s.e, &piece);
			pump(&s);
			check(piece.n < had);
		}
		check(__sanitizer_get_current_allocated_bytes() - before < MEMORY_MAX);
	}
	if ((s.seed & 64) != 0)
		smtp_client_tick(s.e, 100);
	else
		smtp_client_ended(s.e, "closed");
	pump(&s);
	check((s.seed & 64) != 0 || (s.closed && s.over == s.begun));
	smtp_client_free(s.e);
	return 0;
}
