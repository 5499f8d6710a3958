/* word.c - the contract is in word.h. */
#include "deliverd/word.h"

static const struct row {
	const char *text;
	bool start_tls;
	enum word_check check;
	enum word_then not_offered, failed, unverified;
} words[WORD_COUNT] = {
	[WORD_OFF] = { "off", false, WORD_CHECK_NONE, WORD_CLEAR, WORD_CLEAR, WORD_CLEAR },
	[WORD_MAY] = { "may", true, WORD_CHECK_NONE, WORD_CLEAR, WORD_DEFER, WORD_TLS },
	[WORD_TRY] = { "try", true, WORD_CHECK_NOTE, WORD_CLEAR, WORD_DEFER, WORD_TLS },
	[WORD_REQUIRE] = { "require", true, WORD_CHECK_NONE, WORD_DEFER, WORD_DEFER, WORD_TLS },
	[WORD_VERIFY] = { "verify", true, WORD_CHECK_NAME, WORD_DEFER, WORD_DEFER, WORD_DEFER },
	[WORD_DANE] = { "dane", true, WORD_CHECK_DANE, WORD_DEFER, WORD_DEFER, WORD_DEFER },
};

const char *word_text(enum word w)
{
	return words[w].text;
}

enum word word_find(struct span text)
{
	enum word w = WORD_OFF;

	while (w < WORD_COUNT && !span_is_nocase(text, words[w].text))
		w++;
	return w;
}

static void start(const struct word_facts *f, struct word_plan *out)
{
	const struct row *r = &words[f->word];

	*out = (struct word_plan){
		.start_tls = r->start_tls,
		.check = r->check,
		.not_offered = r->not_offered,
		.failed = r->failed,
		.unverified = r->unverified,
		.skipped = WORD_DEFER,
		.because = r->text,
	};
}

static void demand(struct word_plan *out, enum word_check check, enum word_then then, const char *because)
{
	out->check = check;
	out->not_offered = out->failed = out->unverified = then;
	out->because = because;
}

static void skip(struct word_plan *out, enum word_then then, const char *cause, const char *because)
{
	/* The first reason is the one to tell. */
	if (!out->skip)
		out->skip_cause = cause;
	out->skip = true;
	out->skipped = then;
	out->because = because;
}

/* RFC 8689 4.2.2: TLS is tried, and nothing that the recipient's domain asks for is held
 * against it. "Never without TLS" is our own administrator's, and stands. */
static void lift(const struct word_facts *f, struct word_plan *out)
{
	bool must = f->word == WORD_REQUIRE || f->word == WORD_VERIFY || f->word == WORD_DANE;

	out->check = WORD_CHECK_NOTE;
	out->not_offered = out->failed = must ? WORD_DEFER : WORD_CLEAR;
	out->unverified = WORD_TLS;
	out->because = "tls-required-no";
}

static void remembered(const struct word_facts *f, struct word_plan *out)
{
	if (!f->had_tls || out->not_offered != WORD_CLEAR)
		return;
	out->not_offered = WORD_DEFER;
	out->because = "remembered";
}

/* RFC 7672 2.2: records that can be used must match; records that can't still ask for TLS. */
static void dane(const struct word_facts *f, struct word_plan *out)
{
	if (f->tlsa && f->tlsa_usable) {
		demand(out, WORD_CHECK_DANE, WORD_DEFER, "dane");
	} else if (f->word == WORD_DANE) {
		skip(out, WORD_DEFER, "dane-no-records", "dane");
	} else if (f->tlsa) {
		out->not_offered = out->failed = WORD_DEFER;
		out->because = "dane-unusable";
	}
}

/* RFC 8461 2: never in the way of DANE. RFC 8461 5: testing changes nothing but what is reported. */
static void sts(const struct word_facts *f, struct word_plan *out)
{
	if (out->check == WORD_CHECK_DANE)
		return;
	if (f->sts_testing && out->check == WORD_CHECK_NONE)
		out->check = WORD_CHECK_NOTE;
	if (!f->sts_enforce)
		return;
	if (f->sts_listed)
		demand(out, WORD_CHECK_NAME, WORD_DEFER, "mta-sts");
	else
		skip(out, WORD_DEFER, "sts-host-not-listed", "mta-sts");
}

/* RFC 8689 4.2.1 */
static void require_tls(const struct word_facts *f, struct word_plan *out)
{
	bool proved = f->mx_secure || ((f->sts_enforce || f->sts_testing) && f->sts_listed);

	demand(out, f->tlsa && f->tlsa_usable ? WORD_CHECK_DANE : WORD_CHECK_NAME, WORD_BOUNCE, "requiretls");
	out->ask_require_tls = true;
	out->skipped = WORD_BOUNCE;
	if (f->word == WORD_OFF)
		skip(out, WORD_BOUNCE, "requiretls-without-tls", "requiretls");
	else if (!proved)
		skip(out, WORD_BOUNCE, "name-not-proved", "requiretls");
}

void word_plan(const struct word_facts *f, struct word_plan *out)
{
	start(f, out);
	if (f->word != WORD_OFF && f->tls_optional && !f->require_tls && !f->auth) {
		lift(f, out);
		return;
	}
	if (f->word != WORD_OFF) {
		remembered(f, out);
		dane(f, out);
		sts(f, out);
	}
	if (f->require_tls)	/* RFC 8689 4.1: with it TLS-Required: No counts for nothing */
		require_tls(f, out);
}
