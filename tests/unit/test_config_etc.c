/* test_config_etc.c - the files in etc/ are what `yubin init` writes, and parse.
 * link: admin common/config common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "admin/conf.h"
#include "common/config/file.h"

static void fail_on_word(void *arg, enum config_severity severity, const char *file, unsigned line,
			 const char *words)
{
	(void)arg;
	(void)severity;
	fail_msg("%s:%u: %s", file, line, words);
}

/* YUBIN_WRITE_ETC=1 writes them anew. */
static void put_back(const char *path, struct span text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text.p, 1, text.n, out), text.n);
	fclose(out);
}

static void test_committed(void **state)
{
	static const struct conf_plan plan = { .hostname = "mail.example.org", .port_base = -1 };

	(void)state;
	for (unsigned i = 0; conf_file(i) != 0; i++) {
		struct buf want, have;
		struct error err;
		char path[64];

		snprintf(path, sizeof(path), "etc/%s.conf", config_file_name(conf_file(i)));
		unit_case(path, 0);
		buf_init(&want, 1 << 20);
		buf_init(&have, 1 << 20);
		conf_write(&plan, conf_file(i), &want);
		assert_false(want.failed);
		if (getenv("YUBIN_WRITE_ETC") != NULL)
			put_back(path, buf_span(&want));
		if (file_read(path, &have, NULL, &err) != 0)
			fail_msg("%s", err.words);
		if (!span_equal(buf_span(&want), buf_span(&have)))
			fail_msg("%s is not what `yubin init` writes; YUBIN_WRITE_ETC=1 make unit-config_etc "
				 "mends it",
				 path);
		buf_clear(&want);
		buf_clear(&have);
	}
}

struct wanted {
	enum config_file which;
	size_t count;
	const char *first, *last;
};

static void check_listens(const struct conf_plan *plan, const struct wanted *w)
{
	struct config *c;
	struct buf text;

	unit_case(config_file_name(w->which), 0);
	buf_init(&text, 1 << 20);
	conf_write(plan, w->which, &text);
	assert_int_equal(config_parse(&c, w->which, buf_span(&text), "x", fail_on_word, NULL), 0);
	assert_int_equal(config_listen_count(c), w->count);
	assert_string_equal(config_listen(c, 0)->text, w->first);
	assert_string_equal(config_listen(c, w->count - 1)->text, w->last);
	assert_string_equal(config_item(config_top(c), CONFIG_PRIVATE_KEY, 1), "tls/server-rsa.key");
	config_free(c);
	buf_clear(&text);
}

static void test_ports(void **state)
{
	static const struct conf_plan real = { .hostname = "a", .port_base = -1 },
				      based = { .hostname = "a", .port_base = 10000 };
	static const struct wanted all[] = {
		{ CONFIG_SMTPD, 3, "*:25", "*:465" },
		{ CONFIG_POP3D, 2, "*:110", "*:995" },
		{ CONFIG_IMAPD, 2, "*:143", "*:993" },
	};
	static const struct wanted loopback[] = {
		{ CONFIG_SMTPD, 6, "127.0.0.1:10025", "[::1]:10465" },
		{ CONFIG_POP3D, 4, "127.0.0.1:10110", "[::1]:10995" },
		{ CONFIG_IMAPD, 4, "127.0.0.1:10143", "[::1]:10993" },
	};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		check_listens(&real, &all[i]);
		check_listens(&based, &loopback[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_committed), cmocka_unit_test(test_ports) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "config_etc");
}
