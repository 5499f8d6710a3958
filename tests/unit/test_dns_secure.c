/* test_dns_secure.c - what DNSSEC proves: zones that are signed, not signed, and forged, served by nsd.
 * link: deliverd common/dns common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "deliverd/way.h"

enum { ANCHORS = 8192 };

struct place {
	uv_loop_t loop;
	struct dns *dns;
	unsigned answers;
	char text[600];
};

static char folder[] = "/tmp/yubin-zones-XXXXXX";
static pid_t child;
static int keep; /* its input: it ends when this is closed */
static char server[32], anchors[ANCHORS];
static bool there;

/* --- the name server ------------------------------------------------------------------ */

static void read_anchors(const char *path)
{
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_true(fread(anchors, 1, sizeof(anchors) - 1, in) > 0);
	fclose(in);
}

static void read_server(FILE *from)
{
	char line[300], path[256];
	unsigned port;

	assert_non_null(fgets(line, sizeof(line), from));
	there = sscanf(line, "%u %255s", &port, path) == 2;
	if (!there) {
		printf("not tried: %s", line);
		return;
	}
	snprintf(server, sizeof(server), "127.0.0.1:%u", port);
	read_anchors(path);
}

static int setup(void **state)
{
	int in[2], out[2];
	FILE *from;

	(void)state;
	if (mkdtemp(folder) == NULL || pipe(in) < 0 || pipe(out) < 0)
		return -1;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execlp("timeout", "timeout", "120", "python3", "tests/unit/dns_zones.py", folder,
		       (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	keep = in[1];
	from = fdopen(out[0], "r");
	if (from == NULL)
		return -1;
	read_server(from);
	fclose(from);
	return 0;
}

static int teardown(void **state)
{
	char command[100];
	int status;

	(void)state;
	close(keep);
	waitpid(child, &status, 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* --- the tests -------------------------------------------------------------------------- */

static void place_open(struct place *p)
{
	const char *servers[] = { server };
	struct dns_options o = { servers, 1, false, span_of(anchors) };
	struct error err = { .words = "" };

	*p = (struct place){ .answers = 0 };
	uv_loop_init(&p->loop);
	if (dns_new(&p->dns, &p->loop, &o, &err) < 0)
		fail_msg("%s", err.words);
}

static void place_close(struct place *p)
{
	dns_free(p->dns);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
}

static void wait_for(struct place *p, unsigned answers)
{
	alarm(60);
	while (p->answers < answers)
		uv_run(&p->loop, UV_RUN_ONCE);
	alarm(0);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	static const char *const statuses[] = { "ok", "no-data", "no-name", "failed", "bogus", "invalid" };
	struct place *p = arg;

	p->answers++;
	snprintf(p->text, sizeof(p->text), "%s%s %zu %s", statuses[a->status], a->secure ? " secure" : "",
		 a->count, a->name);
}

static const struct {
	const char *asked;
	enum dns_type type;
	const char *want;
} rows[] = {
	{ "far.test", DNS_MX, "ok secure 1 far.test" },
	{ "mx.far.test", DNS_A, "ok secure 1 mx.far.test" },
	{ "alias.far.test", DNS_A, "ok secure 1 mx.far.test" },
	{ "_25._tcp.mx.far.test", DNS_TLSA, "ok secure 1 _25._tcp.mx.far.test" },
	{ "mx.far.test", DNS_AAAA, "no-data secure 0 mx.far.test" },
	{ "gone.far.test", DNS_A, "no-name secure 0 gone.far.test" },
	{ "_25._tcp.none.far.test", DNS_TLSA, "no-name secure 0 _25._tcp.none.far.test" },
	{ "plain.test", DNS_MX, "ok 1 plain.test" },
	{ "gone.plain.test", DNS_A, "no-name 0 gone.plain.test" },
	{ "plain.far.test", DNS_A, "ok 1 mx.plain.test" }, /* proved to here, not behind */
	{ "plain.far.test", DNS_CNAME, "ok secure 1 plain.far.test" },
	{ "forged.test", DNS_MX, "bogus 0 forged.test" },
	{ "mx.forged.test", DNS_A, "bogus 0 mx.forged.test" },
	{ "half.far.test", DNS_A, "bogus 0 half.far.test" },
	{ "forged.test", DNS_MX, "bogus 0 forged.test" }, /* from memory too */
};

static void test_rows(void **state)
{
	struct place p;

	(void)state;
	if (!there)
		skip();
	place_open(&p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].asked, i);
		assert_int_not_equal(dns_ask(p.dns, rows[i].asked, rows[i].type, on_answer, &p), 0);
		wait_for(&p, (unsigned)i + 1);
		assert_string_equal(p.text, rows[i].want);
	}
	place_close(&p);
}

static void on_host(void *arg, const struct way_host_answer *a)
{
	struct place *p = arg;

	p->answers++;
	snprintf(p->text, sizeof(p->text), "%s%s%s%s %u at %s",
		 a->status == DNS_OK ? a->addresses[0].host : "none", a->secure ? " secure" : "",
		 a->tlsa_there ? " there" : "", a->tlsa_failed ? " failed" : "",
		 a->tlsa_count > 0 ? a->tlsa[0].usage : 0u, a->tlsa_base);
}

static const struct {
	const char *host, *want;
} hosts[] = {
	{ "mx.far.test", "127.0.0.2 secure there 3 at mx.far.test" },
	{ "alias.far.test", "127.0.0.2 secure there 3 at mx.far.test" },
	{ "plain.far.test", "127.0.0.3 there 2 at plain.far.test" },
	{ "none.far.test", "127.0.0.4 secure 0 at " },
	{ "mx.plain.test", "127.0.0.3 0 at " },
	{ "mx.forged.test", "none 0 at " },
};

static void test_hosts(void **state)
{
	struct way_self self = { "mail.here.test", NULL, 0 };
	struct place p;

	(void)state;
	if (!there)
		skip();
	place_open(&p);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct way_host h;

		unit_case(hosts[i].host, i);
		assert_true(way_host_read(&h, span_of(hosts[i].host), 25));
		assert_non_null(way_host_find(p.dns, &self, &h, on_host, &p));
		wait_for(&p, (unsigned)i + 1);
		assert_string_equal(p.text, hosts[i].want);
	}
	place_close(&p);
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_hosts) };

	log_to_function(quiet, NULL);
	return cmocka_run_group_tests_name("DNSSEC", tests, setup, teardown);
}
