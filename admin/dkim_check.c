/* dkim_check.c - dkim check FILE|-: the verdict on each signature of a message. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "admin/dkim_parts.h"
#include "admin/json.h"
#include "common/base/clock.h"

enum { OUTPUT = 1 << 20, PIECE = 64 << 10 };

static const char *const results[] = {
	[DKIM_NONE] = "none",	  [DKIM_PASS] = "pass",		  [DKIM_FAIL] = "fail",
	[DKIM_POLICY] = "policy", [DKIM_NEUTRAL] = "neutral",	  [DKIM_TEMPERROR] = "temperror",
	[DKIM_PERMERROR] = "permerror",
};

static int feed_file(struct dkim_verifier *v, const char *name, struct error *err)
{
	int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC), rc = 0;
	static uint8_t piece[PIECE];
	ssize_t n = 1;

	if (fd < 0)
		return error_system(err, errno, "can't open %s", name);
	while (rc == 0 && n > 0) {
		n = read(fd, piece, sizeof(piece));
		if (n < 0)
			rc = error_system(err, errno, "can't read %s", name);
		else
			rc = dkim_verifier_feed(v, (struct span){ piece, (size_t)n });
		if (rc == -EMSGSIZE)
			error_set(err, rc, "the header of %s is longer than %d bytes", name, DKIM_HEADER_MAX);
	}
	close(fd);
	return rc;
}

static void judge(struct dkim_verifier *v, size_t i, struct lookup *look, struct dkim_verdict *out)
{
	const char *name = dkim_verifier_query(v, i);
	const struct span *key = NULL;
	bool temporary = false;

	if (*name != '\0') {
		const struct dns_answer *a = look->ask(look, name, DNS_TXT);

		temporary = a->status == DNS_FAILED || a->status == DNS_BOGUS;
		key = a->status == DNS_OK ? &a->records[0].text : NULL;
	}
	dkim_verifier_check(v, i, key, temporary, clock_real_ms() / 1000, out);
}

static void put_one(struct buf *out, bool json, const struct dkim_verdict *d)
{
	if (!json) {
		buf_printf(out, "%-10s d=%s s=%s%s%s%s\n", results[d->result], d->domain, d->selector, *d->words != '\0' ? ": " : "",
			   d->words, d->testing ? " (the key says that it is a test)" : "");
		return;
	}
	json_open(out, NULL, '{');
	json_text(out, "result", results[d->result]);
	json_text(out, "domain", d->domain);
	json_text(out, "selector", d->selector);
	json_text(out, "words", d->words);
	json_bool(out, "testing", d->testing);
	json_close(out, '}');
}

/* All verdicts; whether there is one that is good. */
static bool put_all(struct dkim_verifier *v, struct lookup *look, bool json, struct buf *out)
{
	size_t count = dkim_verifier_end(v);
	bool good = false;

	if (json)
		json_open(out, NULL, '[');
	for (size_t i = 0; i < count; i++) {
		struct dkim_verdict verdict;

		judge(v, i, look, &verdict);
		put_one(out, json, &verdict);
		good |= verdict.result == DKIM_PASS;
	}
	if (json) {
		json_close(out, ']');
		buf_put_text(out, "\n");
	} else if (count == 0) {
		buf_put_text(out, "none       the message has no DKIM-Signature\n");
	}
	return good;
}

int dkim_check(const struct site *s, const struct dkim_line *l)
{
	struct dkim_verifier *v = NULL;
	struct lookup *look = NULL;
	struct error err;
	struct buf out;
	bool good = false;
	int rc;

	buf_init(&out, OUTPUT);
	rc = dkim_verifier_new(&v, &err);
	if (rc == 0)
		rc = feed_file(v, l->word, &err);
	if (rc == 0)
		rc = lookup_open(&look, s, &err);
	if (rc == 0)
		good = put_all(v, look, l->json, &out);
	lookup_close(look);
	dkim_verifier_free(v);
	if (rc != 0) {
		buf_clear(&out);
		return verb_failed(&err);
	}
	rc = verb_print(&out);
	return rc != VERB_DONE || good ? rc : VERB_FAILED;
}
