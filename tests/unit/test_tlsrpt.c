/* test_tlsrpt.c - a domain's day of TLS sessions: counted, kept over a restart, reported, forgotten.
 * link: tests/unit/fake_web.o tests/fake deliverd storage common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <zlib.h>

#include "common/base/log.h"
#include "deliverd/tlsrpt.h"
#include "tests/fake/fake_queue.h"
#include "tests/unit/fake_web.h"

enum { DAY = 86400, START = 1699920000 };	/* the day in which fake_web begins */

struct world {
	uv_loop_t loop;
	struct store *store;
	struct tlsrpt *t;
	size_t mails, saved;
	char to[128];
	char mail[8192];
	char log[1024];
};

static void on_mail(void *arg, const char *to, struct span message)
{
	struct world *w = arg;

	w->mails++;
	snprintf(w->to, sizeof(w->to), "%s", to);
	snprintf(w->mail, sizeof(w->mail), "%.*s", (int)message.n, (const char *)message.p);
}

static void on_log(void *arg, const char *line)
{
	struct world *w = arg;

	snprintf(w->log, sizeof(w->log), "%s", line);
}

static void start(struct world *w)
{
	struct tlsrpt_options o = { .hostname = "mx.us.example", .day_s = DAY, .store = w->store, .dns = fake_web_dns(),
				    .https = fake_web_https(), .mail = on_mail, .arg = w };

	assert_int_equal(tlsrpt_new(&w->t, &w->loop, &o, NULL), 0);
	fake_store_run(w->store);
}

static void begin(struct world *w)
{
	*w = (struct world){ .mails = 0 };
	fake_web_reset();
	log_to_function(on_log, w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(fake_store_new(&w->store, NULL, NULL), 0);
	start(w);
}

static void end(struct world *w)
{
	tlsrpt_free(w->t);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	fake_store_free(w->store);
	fake_web_reset();
}

static void run(struct world *w)
{
	do {
		fake_store_run(w->store);
		uv_run(&w->loop, UV_RUN_NOWAIT);
	} while (fake_web_run() > 0 || fake_store_waiting(w->store) > 0);
	uv_run(&w->loop, UV_RUN_NOWAIT);
}

static void record(const char *domain, const char *text)
{
	const char *const texts[] = { text, NULL };
	char name[128];

	snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
	fake_web_txt(name, text != NULL ? DNS_OK : DNS_NO_NAME, 300, texts);
}

static void session(struct world *w, const char *domain, const char *cause)
{
	struct tlsrpt_session s = { .domain = domain, .host = "mx.a.example", .helo = "", .address = "192.0.2.1",
				    .own_address = "", .cause = cause, .reason = "" };

	tlsrpt_session(w->t, &s);
}

/* To the time at which all reports of that day are due. */
static void tomorrow(struct world *w)
{
	fake_web_set_now(START + DAY + DAY / 4);
	tlsrpt_tick(w->t);
	run(w);
}

static struct span note(struct world *w, const char *domain)
{
	char name[128];

	snprintf(name, sizeof(name), "tlsrpt/%d/%s", START, domain);
	return fake_queue_note(w->store, name);
}

static void on_saved(void *arg)
{
	((struct world *)arg)->saved++;
}

static void save(struct world *w)
{
	size_t before = w->saved;

	tlsrpt_save(w->t, on_saved, w);
	assert_int_equal(w->saved, before);
	run(w);
	assert_int_equal(w->saved, before + 1);
}

static void test_mail(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", "v=TLSRPTv1; rua=mailto:tls@a.example,mailto:more@b.example");
	session(&w, "a.example", NULL);
	session(&w, "a.example", "peer-no-starttls");
	run(&w);
	/* Not in the middle of the day, nor at its end. */
	fake_web_set_now(START + DAY + 60);
	tlsrpt_tick(w.t);
	run(&w);
	assert_int_equal(w.mails, 0);
	assert_true(note(&w, "a.example").n > 0);
	tomorrow(&w);
	assert_int_equal(w.mails, 2);
	assert_string_equal(w.to, "more@b.example");
	assert_non_null(strstr(w.mail, "TLS-Report-Domain: a.example\r\nTLS-Report-Submitter: mx.us.example\r\n"));
	assert_non_null(strstr(w.mail, "Report-ID: <1699920000."));
	assert_non_null(strstr(w.mail, "filename=\"mx.us.example!a.example!1699920000!1700006399!"));
	/* Once. */
	assert_int_equal(note(&w, "a.example").n, 0);
	fake_web_set_now(fake_web_now() + DAY);
	tlsrpt_tick(w.t);
	run(&w);
	assert_int_equal(w.mails, 2);
	end(&w);
}

/* Who asks for nothing costs one question a day, and no note. */
static void test_unwanted(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", NULL);
	record("b.example", "v=spf1 -all");
	for (int i = 0; i < 50; i++) {
		session(&w, "a.example", NULL);
		session(&w, "b.example", "peer-broken");
		run(&w);
	}
	assert_int_equal(fake_web_asked(), 2);
	save(&w);
	assert_int_equal(note(&w, "a.example").n, 0);
	assert_int_equal(note(&w, "b.example").n, 0);
	tomorrow(&w);
	assert_int_equal(w.mails, 0);
	assert_int_equal(fake_web_asked(), 2);
	session(&w, "", NULL);
	session(&w, "a/b", NULL);
	assert_int_equal(fake_web_asked(), 2);
	end(&w);
}

static void ungzip(struct span in, char *out, size_t size)
{
	z_stream z = { .next_in = (Bytef *)in.p, .avail_in = (uInt)in.n, .next_out = (Bytef *)out, .avail_out = (uInt)size - 1 };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	out[size - 1 - z.avail_out] = '\0';
	inflateEnd(&z);
}

static void test_https(void **state)
{
	char json[4096], first[4096];
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", "v=TLSRPTv1; rua=https://r.example/in,mailto:tls@a.example");
	session(&w, "a.example", "peer-cert-expired");
	run(&w);
	/* Its host is away: later; then it is there. */
	tomorrow(&w);
	assert_string_equal(fake_web_posted_to(), "https://r.example/in");
	assert_string_equal(fake_web_posted_type(), "application/tlsrpt+gzip");
	ungzip(fake_web_posted(), first, sizeof(first));
	assert_non_null(strstr(first, "\"result-type\":\"certificate-expired\""));
	assert_int_equal(w.mails, 0);
	tlsrpt_tick(w.t);
	run(&w);
	assert_int_equal(fake_web_fetched(), 1);
	fake_web_page("https://r.example/in", &(struct https_answer){ .status = 201, .type = "", .words = "" });
	fake_web_set_now(fake_web_now() + 901);
	tlsrpt_tick(w.t);
	run(&w);
	assert_int_equal(fake_web_fetched(), 2);
	ungzip(fake_web_posted(), json, sizeof(json));
	assert_string_equal(json, first);
	assert_int_equal(w.mails, 1);
	assert_int_equal(note(&w, "a.example").n, 0);
	end(&w);
}

/* A host that never takes it: three times, then the next one. */
static void test_refused(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", "v=TLSRPTv1; rua=https://r.example/in,mailto:tls@a.example");
	fake_web_page("https://r.example/in", &(struct https_answer){ .status = 500, .type = "", .words = "" });
	session(&w, "a.example", NULL);
	run(&w);
	tomorrow(&w);
	for (int i = 0; i < 5; i++) {
		fake_web_set_now(fake_web_now() + 901);
		tlsrpt_tick(w.t);
		run(&w);
	}
	assert_int_equal(fake_web_fetched(), TLSRPT_TRIES);
	assert_int_equal(w.mails, 1);
	assert_non_null(strstr(w.log, "TLS report about a.example not sent to https://r.example/in: the host answers 500"));
	assert_int_equal(note(&w, "a.example").n, 0);
	end(&w);
}

static void test_restart(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", "v=TLSRPTv1; rua=mailto:tls@a.example");
	for (int i = 0; i < 7; i++)
		session(&w, "a.example", NULL);
	run(&w);
	save(&w);
	assert_true(note(&w, "a.example").n > 0);
	tlsrpt_free(w.t);
	queue_note_put(w.store, span_of("tlsrpt/1699920000/bad.example"), span_of("nonsense"), START + 9 * DAY, NULL, NULL);
	queue_note_put(w.store, span_of("tlsrpt/x"), span_of("policy"), START + 9 * DAY, NULL, NULL);
	run(&w);
	start(&w);
	session(&w, "a.example", "peer-broken");
	run(&w);
	assert_non_null(strstr(w.log, "TLS reports: tlsrpt/1699920000/bad.example is left out"));
	save(&w);
	unit_is(note(&w, "a.example").p, 31, "policy no-policy-found 7 1 \ndet");
	/* Counted in the last minute: the next tick saves it. */
	session(&w, "a.example", NULL);
	fake_web_set_now(fake_web_now() + 61);
	tlsrpt_tick(w.t);
	run(&w);
	unit_is(note(&w, "a.example").p, 27, "policy no-policy-found 8 1 ");
	tomorrow(&w);
	assert_int_equal(w.mails, 1);
	end(&w);
}

/* The store, or the resolver, is away for a while. */
static void test_trouble(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fake_web_txt("_smtp._tls.a.example", DNS_FAILED, 0, NULL);
	session(&w, "a.example", NULL);
	run(&w);
	fake_store_fail(w.store, FAKE_NOTE_PUT, STORE_TRY_LATER, 1);
	save(&w);
	assert_int_equal(note(&w, "a.example").n, 0);
	save(&w);
	assert_true(note(&w, "a.example").n > 0);
	tomorrow(&w);
	assert_int_equal(w.mails, 0);
	record("a.example", "v=TLSRPTv1; rua=mailto:tls@a.example");
	fake_web_set_now(fake_web_now() + 901);
	tlsrpt_tick(w.t);
	run(&w);
	assert_int_equal(w.mails, 1);
	/* What is under way when all ends is forgotten; so is who waits. */
	session(&w, "b.example", NULL);
	tlsrpt_save(w.t, on_saved, &w);
	end(&w);
	assert_int_equal(w.saved, 2);
}

/* Two days side by side. */
static void test_midnight(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	record("a.example", "v=TLSRPTv1; rua=mailto:tls@a.example");
	session(&w, "a.example", NULL);
	run(&w);
	fake_web_set_now(START + DAY + 1);
	session(&w, "a.example", "peer-broken");
	session(&w, "a.example", "peer-broken");
	run(&w);
	save(&w);
	unit_is(note(&w, "a.example").p, 27, "policy no-policy-found 1 0 ");
	struct span second = fake_queue_note(w.store, "tlsrpt/1700006400/a.example");
	unit_is(second.p, 27, "policy no-policy-found 0 2 ");
	tomorrow(&w);
	assert_int_equal(w.mails, 1);
	assert_true(fake_queue_note(w.store, "tlsrpt/1700006400/a.example").n > 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),	cmocka_unit_test(test_unwanted), cmocka_unit_test(test_https),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_restart),	 cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_midnight),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tlsrpt");
}
