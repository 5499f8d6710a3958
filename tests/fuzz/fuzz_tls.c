/* fuzz_tls.c - any bytes where a ClientHello is due: no crash, the same end however they
 * are cut, and a line for the log that is one line.
 * link: common/tls common/base */
#include <stdlib.h>
#include <string.h>

#include "common/tls/context.h"
#include "common/tls/issue.h"
#include "common/tls/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *context, *narrow;	/* the second refuses much, and explains it */

static void check(bool fits)
{
	if (!fits)
		abort();
}

static void context_make(void)
{
	static const char *const names[] = { "a.example.org", "*.example.net" };
	struct buf ca, ca_key, chain, key;
	struct tls_policy p;

	buf_init(&ca, 65536);
	buf_init(&ca_key, 65536);
	buf_init(&chain, 65536);
	buf_init(&key, 65536);
	check(tls_issue_ca("CA", &ca, &ca_key, NULL) == 0);
	check(tls_issue_server(buf_span(&ca), buf_span(&ca_key), TLS_KEY_P256, names, 2, &chain, &key,
			       NULL) == 0);
	check(tls_policy_profile(&p, "exchange2015"));
	p.verify = TLS_VERIFY_OPTIONAL;

	struct tls_pair pair = { "a.pem", "a.key", buf_span(&chain), buf_span(&key) };
	struct tls_material m = {
		.pairs = &pair, .pair_count = 1, .client_ca = buf_span(&ca), .alpn = "imap", .listen = "*:993"
	};

	check(tls_context_new(&context, &p, &m, NULL, NULL, NULL) == 0);
	check(tls_policy_profile(&p, "modern"));
	p.explain_refusal = true;
	check(tls_context_new(&narrow, &p, &m, NULL, NULL, NULL) == 0);
	buf_clear(&ca);
	buf_clear(&ca_key);
	buf_clear(&chain);
	buf_clear(&key);
}

static void check_line(const struct tls_session *s)
{
	char text[1024];

	for (enum tls_cut cut = TLS_CUT_NO; cut <= TLS_CUT_TIME; cut++) {
		tls_session_failure_text(s, cut, "imapd", text, sizeof(text));
		check(strncmp(text, "TLS failed: (", 13) == 0);
		for (const char *p = text; *p != '\0'; p++)
			check((uint8_t)*p >= 0x20 && (uint8_t)*p < 0x7f);
	}
}

static enum tls_status run(struct tls_context *c, struct span in, size_t step)
{
	struct tls_session *s;
	enum tls_status end;
	uint8_t plain[256];

	check(tls_session_new(&s, c, NULL) == 0);
	while (in.n > 0) {
		struct span piece = span_take(&in, step);

		tls_session_feed(s, &piece);
		check(piece.n == 0);
		while (tls_session_read(s, plain, sizeof(plain)) > 0)
			check(!tls_session_refused(s));
		tls_session_sent(s, tls_session_out(s).n / 2);
	}
	end = tls_session_status(s);
	check_line(s);
	tls_session_free(s);
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };

	if (context == NULL)
		context_make();
	check(run(context, in, SIZE_MAX) == run(context, in, size > 512 ? 97 : 1));
	check(run(narrow, in, SIZE_MAX) == run(narrow, in, size > 512 ? 97 : 1));
	return 0;
}
