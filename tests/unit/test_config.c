/* test_config.c - the files in etc/: what is taken, and what each mistake is answered with.
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "common/config/config.h"

struct said {
	unsigned count, line; /* line: of the first */
	char words[600];      /* of the first */
};

static void note(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	struct said *said = arg;

	assert_int_equal(severity, CONFIG_SAY_ERROR);
	assert_string_equal(file, "etc/x.conf");
	if (said->count++ > 0)
		return;
	said->line = line;
	snprintf(said->words, sizeof(said->words), "%s", words);
}

static struct config *parse_span(enum config_file which, struct span text, struct said *said)
{
	struct config *c;
	int rc;

	*said = (struct said){ 0 };
	rc = config_parse(&c, which, text, "etc/x.conf", note, said);
	assert_int_equal(rc, said->count == 0 ? 0 : -EINVAL);
	assert_true((c == NULL) == (rc != 0));
	return c;
}

static struct config *parse(enum config_file which, const char *text, struct said *said)
{
	return parse_span(which, span_of(text), said);
}

/* 74 bytes */
#define LONGEST_PATH "/ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static const struct {
	const char *why;
	enum config_file which;
	const char *input;
	unsigned line;
	const char *words; /* a part of the first error */
} mistakes[] = {
	{ "an unknown key, near one", CONFIG_IMAPD, "\nSecurLevel 2\n", 2, "did you mean SecureLevel?" },
	{ "near two: the nearest", CONFIG_SMTPD, "MesageLimit 1M", 1, "did you mean MessageLimit?" },
	{ "an unknown key, near none", CONFIG_IMAPD, "Frobnicate 2\n", 1, "yubin config show --all" },
	{ "a key of other files", CONFIG_AUTHD, "SecureLevel 2\n", 1,
	  "belongs in smtpd.conf, pop3d.conf, imapd.conf" },
	{ "a key given twice", CONFIG_IMAPD, "Workers 1\n# x\nworkers 2\n", 3, "line 1" },
	{ "twice under one Listen", CONFIG_IMAPD, "Listen *:143 explicit\n SecureLevel 1\n SecureLevel 1\n",
	  3, "line 2" },
	{ "no value", CONFIG_IMAPD, "Workers\n", 1, "Workers has no value" },
	{ "a comment is no value", CONFIG_IMAPD, "Workers # 2\n", 1, "Workers has no value" },
	{ "1f is no number", CONFIG_IMAPD, "SecureLayOption 1f\n", 1,
	  "a number from 0 to 63 (decimal or 0x), not \"1f\"" },
	{ "64 is too much", CONFIG_IMAPD, "SecureLayOption 64\n", 1, "from 0 to 63" },
	{ "-1 is no number", CONFIG_IMAPD, "SecureLayOption -1\n", 1, "not \"-1\"" },
	{ "level 6", CONFIG_IMAPD, "SecureLevel 6\n", 1, "a number from 0 to 5 (decimal or 0x), not \"6\"" },
	{ "level -1", CONFIG_IMAPD, "SecureLevel -1\n", 1, "from 0 to 5" },
	{ "no such profile", CONFIG_IMAPD, "TlsProfile strict\n", 1, "modern" },
	{ "0x alone", CONFIG_IMAPD, "SecureLayOption 0x\n", 1, "from 0 to 63" },
	{ "0x40 is too much", CONFIG_IMAPD, "SecureLayOption 0x40\n", 1, "from 0 to 63" },
	{ "0x of 65 bits", CONFIG_IMAPD, "SecureLayOption 0x10000000000000001\n", 1, "from 0 to 63" },
	{ "a number of 20 digits", CONFIG_IMAPD, "Workers 99999999999999999999\n", 1, "from 1 to 64" },
	{ "two numbers", CONFIG_IMAPD, "Workers 1 2\n", 1, "not \"1 2\"" },
	{ "a level over 5", CONFIG_IMAPD, "SecureLevel 6\n", 1, "from 0 to 5" },
	{ "a size that overflows", CONFIG_IMAPD, "MessageLimit 9999999999T\n", 1, "a size from 64k to 2G" },
	{ "a size in unknown units", CONFIG_IMAPD, "MessageLimit 5X\n", 1, "with k, M, G, T" },
	{ "a time without a unit", CONFIG_IMAPD, "LoginTime 30\n", 1,
	  "a time from 1s to 30m (with s, m, h or d)" },
	{ "a time out of range", CONFIG_IMAPD, "LoginTime 31m\n", 1, "not \"31m\"" },
	{ "maybe is no boolean", CONFIG_IMAPD, "EnableTLS maybe\n", 1, "yes or no" },
	{ "a word that is not in the row", CONFIG_IMAPD, "VerifyClient perhaps\n", 1,
	  "no, optional or require" },
	{ "half a word", CONFIG_IMAPD, "VerifyClient opt\n", 1, "no, optional or require" },
	{ "no network", CONFIG_YUBIN, "LimitExempt 10.0.0.0/8 10.0.0/8\n", 1, "\"10.0.0/8\" is no network" },
	{ "too many bits", CONFIG_YUBIN, "LimitExempt 10.0.0.0/33\n", 1, "10.0.0.0/33" },
	{ "no bits", CONFIG_YUBIN, "LimitExempt 10.0.0.0/\n", 1, "10.0.0.0/" },
	{ "indented without a Listen", CONFIG_IMAPD, " SecureLevel 1\n", 1, "no Listen above" },
	{ "indented behind another key", CONFIG_IMAPD, "Listen *:143 plain\nWorkers 1\n SecureLevel 1\n", 3,
	  "no Listen above" },
	{ "not for one Listen", CONFIG_IMAPD, "Listen *:143 plain\n Workers 1\n", 2,
	  "can't be set for one Listen" },
	{ "an indented Listen", CONFIG_IMAPD, "Listen *:143 plain\n Listen *:144 plain\n", 2,
	  "can't be set for one Listen" },
	{ "a quote left open", CONFIG_YUBIN, "Hostname \"x\n", 1, "closing \" is missing" },
	{ "a backslash ends it", CONFIG_YUBIN, "Hostname \"x\\\n", 1, "behind \\" },
	{ "an unknown escape", CONFIG_YUBIN, "Hostname \"\\n\"\n", 1, "behind \\" },
	{ "something behind a quote", CONFIG_YUBIN, "Hostname \"x\" y\n", 1, "behind the closing \"" },
	{ "a quote inside", CONFIG_YUBIN, "Hostname x\"y\"\n", 1, "begins with its \"" },
	{ "an escape sequence", CONFIG_YUBIN, "Hostname x\x1b[2J\n", 1, "0x1b" },
	{ "a lone CR", CONFIG_YUBIN, "Hostname x\ry\n", 1, "0x0d" },
	{ "Latin-1", CONFIG_YUBIN, "Hostname m\xfcller\n", 1, "not UTF-8" },
	{ "UTF-16", CONFIG_YUBIN, "\xff\xfeH", 0, "UTF-16" },
	{ "Listen without a mode", CONFIG_IMAPD, "Listen *:143\n", 1, "needs a mode" },
	{ "Listen with another mode", CONFIG_IMAPD, "Listen *:143 tls\n", 1, "not \"tls\"" },
	{ "Listen without a port", CONFIG_IMAPD, "Listen 127.0.0.1 plain\n", 1, "has no port" },
	{ "port 0", CONFIG_IMAPD, "Listen *:0 plain\n", 1, "from 1 to 65535" },
	{ "port 65536", CONFIG_IMAPD, "Listen *:65536 plain\n", 1, "from 1 to 65535" },
	{ "a host name", CONFIG_IMAPD, "Listen localhost:143 plain\n", 1, "\"localhost\" is no address" },
	{ "IPv6 without brackets", CONFIG_IMAPD, "Listen ::1:143 plain\n", 1, "is no address" },
	{ "IPv4 in brackets", CONFIG_IMAPD, "Listen [127.0.0.1]:143 plain\n", 1, "is no address" },
	{ "IPv4-mapped", CONFIG_IMAPD, "Listen [::ffff:127.0.0.1]:143 plain\n", 1,
	  "write the IPv4 address itself" },
	{ "smtpd wants a service", CONFIG_SMTPD, "Listen *:25 explicit\n", 1, "needs mx" },
	{ "smtpd, another service", CONFIG_SMTPD, "Listen *:25 explicit relay\n", 1, "not \"relay\"" },
	{ "imapd wants none", CONFIG_IMAPD, "Listen *:143 explicit mx\n", 1, "nothing may follow" },
	{ "too many words", CONFIG_SMTPD, "Listen *:25 explicit mx mx\n", 1, "\"mx\" is too much" },
	{ "the same Listen twice", CONFIG_IMAPD, "Listen [::1]:143 plain\nListen [0:0::1]:143 explicit\n", 2,
	  "in line 1" },
	{ "* covers an address", CONFIG_IMAPD, "Listen *:143 plain\nListen 127.0.0.1:143 plain\n", 2,
	  "in line 1" },
	{ "0.0.0.0 covers an address", CONFIG_IMAPD, "Listen 127.0.0.1:143 plain\nListen 0.0.0.0:143 plain\n",
	  2, "in line 1" },
	{ "a path without a mode", CONFIG_SMTPD, "Listen unix:/run/lmtp\n", 1, "needs a mode" },
	{ "a path without a service", CONFIG_SMTPD, "Listen unix:/run/lmtp plain\n", 1, "needs mx" },
	{ "a path for mx", CONFIG_SMTPD, "Listen unix:/run/lmtp plain mx\n", 1, "a path takes plain lmtp" },
	{ "a path with STARTTLS", CONFIG_SMTPD, "Listen unix:/run/lmtp explicit lmtp\n", 1, "a path takes plain lmtp" },
	{ "a path with TLS", CONFIG_SMTPD, "Listen unix:/run/lmtp implicit lmtp\n", 1, "a path takes plain lmtp" },
	{ "a path for imapd", CONFIG_IMAPD, "Listen unix:/run/imap plain\n", 1, "a path takes plain lmtp" },
	{ "too many words behind a path", CONFIG_SMTPD, "Listen unix:/run/lmtp plain lmtp 24\n", 1, "\"24\" is too much" },
	{ "no path", CONFIG_SMTPD, "Listen unix: plain lmtp\n", 1, "write the whole path" },
	{ "a path from nowhere", CONFIG_SMTPD, "Listen unix:run/lmtp plain lmtp\n", 1, "write the whole path" },
	{ "a path that is too long", CONFIG_SMTPD, "Listen unix:" LONGEST_PATH "d plain lmtp\n", 1, "74 bytes at most" },
	{ "the same path twice", CONFIG_SMTPD, "Listen unix:/run/a plain lmtp\nListen UNIX:/run/a plain lmtp\n", 2,
	  "in line 1" },
	{ "a wrong Listen's keys are looked at once", CONFIG_IMAPD, "Listen x\n  SecureLevel 2\n", 1,
	  "has no port" },
};

static void test_mistakes(void **state)
{
	struct said said;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		unit_case(mistakes[i].why, i);
		assert_null(parse(mistakes[i].which, mistakes[i].input, &said));
		assert_int_equal(said.count, 1);
		assert_int_equal(said.line, mistakes[i].line);
		if (strstr(said.words, mistakes[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", mistakes[i].words, said.words);
	}
}

static void test_all_mistakes_are_said(void **state)
{
	struct said said;

	(void)state;
	assert_null(parse(CONFIG_IMAPD, "Workers 0\nWorkerz 1\nListen *:1 x\n  SecureLevel 9\n", &said));
	assert_int_equal(said.count, 4);
}

static void test_nul_and_long_lines(void **state)
{
	static const char nul[] = "Hostname a\0b\nLogLevel loud\n";
	char *line = malloc(5000);
	struct said said;

	(void)state;
	assert_null(parse_span(CONFIG_YUBIN, (struct span){ (const uint8_t *)nul, sizeof(nul) - 1 }, &said));
	assert_int_equal(said.count, 2);
	assert_non_null(strstr(said.words, "0x00"));
	memset(line, '#', 5000);
	line[4096] = '\n';
	struct config *c = parse_span(CONFIG_YUBIN, (struct span){ (const uint8_t *)line, 4097 }, &said);

	assert_non_null(c);
	config_free(c);
	line[4096] = '#';
	assert_null(parse_span(CONFIG_YUBIN, (struct span){ (const uint8_t *)line, 4097 }, &said));
	assert_non_null(strstr(said.words, "longer than 4096"));
	free(line);
}

static const struct {
	const char *why, *input, *hostname;
} texts[] = {
	{ "plain", "Hostname mail.example.org\n", "mail.example.org" },
	{ "no line end", "Hostname a", "a" },
	{ "CRLF and a byte order mark", "\xef\xbb\xbfhostNAME a\r\n\r\n", "a" },
	{ "TABs and a comment", "Hostname\t a \t # b\n", "a" },
	{ "a # inside a word", "Hostname a#b\n", "a#b" },
	{ "quoted", "Hostname \"a # \\\"b\\\\\" # c\n", "a # \"b\\" },
	{ "empty", "Hostname \"\"\n", "" },
	{ "UTF-8", "Hostname \xe9\x83\xb5\xe4\xbe\xbf\n", "\xe9\x83\xb5\xe4\xbe\xbf" },
	{ "not set", "# Hostname a\n", "localhost" },
};

static void test_texts(void **state)
{
	struct said said;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *c = parse(CONFIG_YUBIN, texts[i].input, &said);

		unit_case(texts[i].why, i);
		assert_non_null(c);
		assert_string_equal(config_text(config_top(c), CONFIG_HOSTNAME), texts[i].hostname);
		config_free(c);
	}
}

static const struct {
	const char *why, *input;
	enum config_key key;
	int64_t want;
} numbers[] = {
	{ "hexadecimal", "SecureLayOption 0x1F", CONFIG_SECURE_LAY_OPTION, 31 },
	{ "the same number", "SecureLayOption 31", CONFIG_SECURE_LAY_OPTION, 31 },
	{ "decimal", "SecureLayOption 63", CONFIG_SECURE_LAY_OPTION, 63 },
	{ "a leading 0 is not octal", "SecureLayOption 017", CONFIG_SECURE_LAY_OPTION, 17 },
	{ "the default", "", CONFIG_SECURE_LAY_OPTION, 15 },
	{ "kilobytes", "MessageLimit 64k", CONFIG_MESSAGE_LIMIT, 65536 },
	{ "megabytes, small letter", "MessageLimit 3m", CONFIG_MESSAGE_LIMIT, 3 << 20 },
	{ "the upper end", "MessageLimit 2G", CONFIG_MESSAGE_LIMIT, 2LL << 30 },
	{ "bytes", "MessageLimit 65537", CONFIG_MESSAGE_LIMIT, 65537 },
	{ "the default size", "", CONFIG_MESSAGE_LIMIT, 50 << 20 },
	{ "seconds", "LoginTime 90s", CONFIG_LOGIN_TIME, 90000 },
	{ "days", "TicketLifetime 7D", CONFIG_TICKET_LIFETIME, 7LL * 86400000 },
	{ "not set and no default", "", CONFIG_IDLE_TIME, 0 },
};

static void test_numbers(void **state)
{
	struct said said;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct config *c = parse(CONFIG_IMAPD, numbers[i].input, &said);

		unit_case(numbers[i].why, i);
		assert_non_null(c);
		assert_int_equal(config_number(config_top(c), numbers[i].key), numbers[i].want);
		assert_int_equal(config_is_set(config_top(c), numbers[i].key), *numbers[i].input != '\0');
		config_free(c);
	}
}

static void test_booleans_and_words(void **state)
{
	static const char *const yes[] = { "YES", "1", "yes" }, *const no[] = { "No", "0" };
	char text[80];
	struct said said;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "EnableTLS %s\nVerifyClient Optional\n",
			 i < 3 ? yes[i] : no[i - 3]);
		struct config *c = parse(CONFIG_IMAPD, text, &said);

		assert_non_null(c);
		assert_int_equal(config_bool(config_top(c), CONFIG_ENABLE_TLS), i < 3);
		assert_string_equal(config_text(config_top(c), CONFIG_VERIFY_CLIENT), "optional");
		assert_string_equal(config_text(config_top(c), CONFIG_CLIENT_CA), "");
		config_free(c);
	}
}

static void test_scopes(void **state)
{
	struct said said;
	struct config *c = parse(CONFIG_SMTPD,
				 "Certificate a.pem\nCertificate b.pem\nSecureLevel 3\n"
				 "Listen 127.0.0.1:10025 explicit mx\n"
				 "\tSecureLevel 0   # old printers\n\n  # more\n\tCertificate c.pem\n"
				 "Listen [::1]:10465 Implicit Submission\nWorkers 4\n",
				 &said);
	const struct config_scope *one, *two;

	(void)state;
	assert_non_null(c);
	assert_int_equal(config_listen_count(c), 2);
	assert_string_equal(config_listen(c, 0)->text, "127.0.0.1:10025");
	assert_int_equal(config_listen(c, 0)->mode, CONFIG_MODE_EXPLICIT);
	assert_int_equal(config_listen(c, 0)->service, CONFIG_SERVICE_MX);
	assert_string_equal(config_listen(c, 1)->host, "::1");
	assert_int_equal(config_listen(c, 1)->port, 10465);
	assert_int_equal(config_listen(c, 1)->line, 9);
	assert_null(config_listen(c, 2));
	assert_false(config_listen_is_bare(c, 0));
	assert_true(config_listen_is_bare(c, 1));
	assert_string_equal(config_written(config_listen_scope(c, 0), CONFIG_SECURE_LEVEL, 0), "0");
	assert_string_equal(config_written(config_listen_scope(c, 0), CONFIG_LOGIN_TIME, 0), "2m");
	assert_null(config_written(config_listen_scope(c, 0), CONFIG_LOGIN_TIME, 1));
	one = config_listen_scope(c, 0);
	two = config_listen_scope(c, 1);
	assert_int_equal(config_number(one, CONFIG_SECURE_LEVEL), 0);
	assert_int_equal(config_line(one, CONFIG_SECURE_LEVEL), 5);
	assert_int_equal(config_number(two, CONFIG_SECURE_LEVEL), 3);
	assert_int_equal(config_number(config_top(c), CONFIG_SECURE_LEVEL), 3);
	assert_string_equal(config_item(one, CONFIG_CERTIFICATE, 0), "c.pem");
	assert_null(config_item(one, CONFIG_CERTIFICATE, 1));
	assert_string_equal(config_item(two, CONFIG_CERTIFICATE, 1), "b.pem");
	assert_int_equal(config_item_line(two, CONFIG_CERTIFICATE, 1), 2);
	assert_int_equal(config_item_line(one, CONFIG_CERTIFICATE, 0), 8);
	assert_int_equal(config_item_line(one, CONFIG_CERTIFICATE, 1), 0);
	assert_null(config_item(two, CONFIG_PRIVATE_KEY, 0));
	assert_false(config_require_tls(one, CONFIG_SMTPD, CONFIG_SERVICE_MX));
	assert_true(config_require_tls(two, CONFIG_SMTPD, CONFIG_SERVICE_SUBMISSION));
	assert_int_equal(config_idle_ms(one, CONFIG_SMTPD), 300000);
	assert_int_equal(config_line_limit(two, CONFIG_SMTPD), 2048);
	assert_string_equal(config_user(config_top(c), CONFIG_SMTPD), "yubin-net");
	config_free(c);
}

/* Listen unix:PATH, beside a port: case counts in a path, and no path covers another or an address. */
static void test_paths(void **state)
{
	struct said said;
	struct config *c = parse(CONFIG_SMTPD,
				 "Listen unix:/run/yubin/lmtp plain lmtp\n  SocketMode 660\n  SocketGroup mail\n"
				 "Listen Unix:/run/yubin/LMTP PLAIN Lmtp\nListen *:24 plain lmtp\n"
				 "Listen unix:" LONGEST_PATH " plain lmtp\n", &said);

	(void)state;
	assert_non_null(c);
	assert_int_equal(config_listen_count(c), 4);
	assert_string_equal(config_listen(c, 0)->text, "unix:/run/yubin/lmtp");
	assert_string_equal(config_listen_path(config_listen(c, 0)), "/run/yubin/lmtp");
	assert_int_equal(config_listen(c, 0)->mode, CONFIG_MODE_PLAIN);
	assert_int_equal(config_listen(c, 0)->service, CONFIG_SERVICE_LMTP);
	assert_string_equal(config_text(config_listen_scope(c, 0), CONFIG_SOCKET_GROUP), "mail");
	assert_string_equal(config_listen_path(config_listen(c, 1)), "/run/yubin/LMTP");
	assert_string_equal(config_text(config_listen_scope(c, 1), CONFIG_SOCKET_GROUP), "");
	assert_string_equal(config_listen_path(config_listen(c, 2)), "");
	assert_string_equal(config_listen_path(config_listen(c, 3)), LONGEST_PATH);
	config_free(c);
}

static const struct {
	const char *why, *networks, *address;
	bool inside;
} networks[] = {
	{ "in 127/8", "127.0.0.0/8 ::1", "127.200.0.1", true },
	{ "in the list", "127.0.0.0/8,::1", "::1", true },
	{ "not in it", "127.0.0.0/8,::1", "128.0.0.1", false },
	{ "mapped counts as IPv4", "127.0.0.0/8", "::ffff:127.0.0.1", true },
	{ "a mapped network too", "::ffff:10.0.0.0/104", "10.9.8.7", true },
	{ "::/0 is all of IPv6 only", "::/0", "10.9.8.7", false },
	{ "0.0.0.0/0 is all of IPv4 only", "0.0.0.0/0", "2001:db8::1", false },
	{ "0.0.0.0/0", "0.0.0.0/0", "255.255.255.255", true },
	{ "bits within a byte", "10.0.0.128/25", "10.0.0.129", true },
	{ "and outside of them", "10.0.0.128/25", "10.0.0.127", false },
	{ "IPv6 prefix", "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "IPv6 outside", "2001:db8::/33", "2001:db8:8000::1", false },
	{ "with an interface", "fe80::/10", "fe80::1%eth0", true },
	{ "no address", "0.0.0.0/0", "localhost", false },
	{ "second line of the key", "10.0.0.0/8\nLimitExempt 192.0.2.7", "192.0.2.7", true },
};

static void test_networks(void **state)
{
	char text[200];
	struct said said;

	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		unit_case(networks[i].why, i);
		snprintf(text, sizeof(text), "LimitExempt %s\n", networks[i].networks);
		struct config *c = parse(CONFIG_YUBIN, text, &said);

		assert_non_null(c);
		assert_int_equal(config_in_networks(config_top(c), CONFIG_LIMIT_EXEMPT, networks[i].address),
				 networks[i].inside);
		config_free(c);
	}
}

static const enum config_file all_files[] = { CONFIG_YUBIN, CONFIG_SMTPD, CONFIG_POP3D,
					      CONFIG_IMAPD, CONFIG_AUTHD, CONFIG_STORAGED, CONFIG_DELIVERD };

/* Each row: a help, a default that its own check takes, one spelling only. */
static void test_rows(void **state)
{
	char text[300];
	struct said said;

	(void)state;
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_row *row = &config_rows[i];

		unit_case(row->name, i);
		assert_true(strlen(row->help) > 15);
		assert_true(row->files != 0);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(strcasecmp(row->name, config_rows[j].name), 0);
		if (*row->fallback == '\0')
			continue;
		snprintf(text, sizeof(text), "%s \"%s\"\n", row->name, row->fallback);
		for (unsigned f = 0; f < 6; f++)
			if ((row->files & all_files[f]) != 0)
				config_free(parse(all_files[f], text, &said));
	}
}

/* The commented file with all comment signs before keys taken off is a whole, good file. */
static void test_commented(void **state)
{
	struct said said;
	struct buf file, bare;

	(void)state;
	for (unsigned f = 0; f < 6; f++) {
		unsigned keys = 0, rows = 0;

		unit_case(config_file_name(all_files[f]), f);
		assert_int_equal(config_file_of(config_file_name(all_files[f])), all_files[f]);
		buf_init(&file, 1 << 20);
		buf_init(&bare, 1 << 20);
		config_write_commented(all_files[f], "# head\n", &file);
		assert_false(file.failed);
		assert_true(span_starts(buf_span(&file), "# head\n"));
		for (struct span in = buf_span(&file); in.n > 0;) {
			struct span line = span_take_until(&in, '\n');

			assert_true(line.n <= 100);
			if (line.n > 1 && line.p[0] == '#' && line.p[1] != ' ') {
				span_take(&line, 1);
				keys++;
			}
			buf_put(&bare, line);
			buf_put_byte(&bare, '\n');
		}
		for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++)
			rows += (config_rows[i].files & all_files[f]) != 0;
		assert_int_equal(keys, rows);
		struct config *c = parse_span(all_files[f], buf_span(&bare), &said);

		if (c == NULL)
			fail_msg("line %u: %s", said.line, said.words);
		config_free(c);
		buf_clear(&file);
		buf_clear(&bare);
	}
}

/* A file that is cut anywhere is parsed or refused with words, and nothing is left behind. */
static void test_cut(void **state)
{
	static const char text[] =
	    "\xef\xbb\xbf# c\r\nHostname \"a\\\"b\" # c\r\nLimitExempt ::1, 10.0.0.0/8\r\nLogLevel debug\r\n";
	struct said said;

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		unit_case("cut", cut);
		config_free(parse_span(CONFIG_YUBIN, (struct span){ (const uint8_t *)text, cut }, &said));
		assert_true(said.count <= 1);
	}
	assert_int_equal(said.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all_mistakes_are_said),
		cmocka_unit_test(test_nul_and_long_lines),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_booleans_and_words),
		cmocka_unit_test(test_scopes),
					    cmocka_unit_test(test_paths),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_commented),
		cmocka_unit_test(test_cut),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "config");
}
