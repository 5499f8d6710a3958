/* fake_site.c - the contract is in fake_site.h. */
#include "tests/unit/fake_site.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/conf.h"
#include "common/tls/issue.h"
#include "setup/daemons.h"
#include "tests/unit/unit.h"

char fake_site[] = "/tmp/yubin-site-XXXXXX";

const char *fake_site_file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", fake_site, name);
	return path;
}

void fake_site_write(const char *name, struct span text)
{
	FILE *out = fopen(fake_site_file(name), "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text.p, 1, text.n, out), text.n);
	fclose(out);
}

void fake_site_replace(const char *name, struct span text)
{
	char from[512];

	fake_site_write("etc/fresh", text);
	snprintf(from, sizeof(from), "%s", fake_site_file("etc/fresh"));
	assert_int_equal(chmod(from, 0600), 0);
	assert_int_equal(rename(from, fake_site_file(name)), 0);
}

int fake_site_port(void)
{
	return 21000 + (int)(getpid() % 110) * 100; /* below what the kernel gives to clients */
}

/* All of etc/, for a hostname; more goes to the end of imapd.conf. */
void fake_site_confs(const char *hostname, const char *more)
{
	struct conf_plan plan = { .hostname = hostname, .port_base = fake_site_port() };
	char name[64];

	for (unsigned i = 0; conf_file(i) != 0; i++) {
		struct buf text;

		buf_init(&text, 1 << 20);
		conf_write(&plan, conf_file(i), &text);
		if (conf_file(i) == CONFIG_IMAPD)
			buf_put_text(&text, more);
		if (conf_file(i) == CONFIG_YUBIN)
			buf_put_text(&text, "StopTime 1s\n");
		snprintf(name, sizeof(name), "etc/%s.conf", config_file_name(conf_file(i)));
		fake_site_write(name, buf_span(&text));
		buf_clear(&text);
	}
}

static void write_pair(const char *name, enum tls_key_kind kind, const struct buf *ca,
		       const struct buf *ca_key)
{
	static const char *const names[] = { "localhost" };
	struct buf chain, key;
	struct error err;
	char file[64];

	buf_init(&chain, 65536);
	buf_init(&key, 65536);
	assert_int_equal(tls_issue_server(buf_span(ca), buf_span(ca_key), kind, names, 1, &chain, &key, &err),
			 0);
	snprintf(file, sizeof(file), "etc/tls/%s.pem", name);
	fake_site_write(file, buf_span(&chain));
	snprintf(file, sizeof(file), "etc/tls/%s.key", name);
	fake_site_write(file, buf_span(&key));
	assert_int_equal(chmod(fake_site_file(file), 0600), 0);
	buf_clear(&chain);
	buf_clear(&key);
}

static void write_certificates(void)
{
	struct buf ca, key;
	struct error err;

	buf_init(&ca, 65536);
	buf_init(&key, 65536);
	assert_int_equal(tls_issue_ca("test", &ca, &key, &err), 0);
	write_pair("server", TLS_KEY_P256, &ca, &key);
	write_pair("server-rsa", TLS_KEY_RSA2048, &ca, &key);
	buf_clear(&ca);
	buf_clear(&key);
}

int fake_site_make(void)
{
	static const char *const folders[] = { "etc", "etc/tls", "accounts", "mail",    "queue",
					       "db",  "run",     "log",      "programs" };
	char self[512], path[600];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0 || mkdtemp(fake_site) == NULL)
		return -1;
	self[n] = '\0';
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(fake_site_file(folders[i]), 0700) != 0)
			return -1;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		snprintf(path, sizeof(path), "%s/programs/%s", fake_site, daemon_rows[d].name);
		if (symlink(self, path) != 0)
			return -1;
	}
	write_certificates();
	return 0;
}

int fake_site_remove(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", fake_site);
	return system(command);
}
