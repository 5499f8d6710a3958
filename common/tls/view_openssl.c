/* view_openssl.c - which OpenSSL this is, and what its own settings do to us. */
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/view.h"

/* What becomes of a command of system_default (SSL_CONF_cmd); all others act. */
static const struct {
	const char *command, *fate;
} fates[] = {
	{ "MinProtocol", "SecureLayOption overrides it" },
	{ "MaxProtocol", "SecureLayOption overrides it" },
	{ "Protocol", "SecureLayOption overrides it" },
	{ "CipherString", "CipherList and SecureLevel override it" },
	{ "Ciphersuites", "acts unless CipherSuites is set" },
	{ "Groups", "Groups overrides it" },
	{ "Curves", "Groups overrides it" },
	{ "NumTickets", "SessionTickets overrides it" },
	{ "VerifyMode", "VerifyClient overrides it" },
	{ "Options", "acts, but for versions and renegotiation" },
};

static const char *fate_of(struct span command)
{
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		if (span_is_nocase(command, fates[i].command))
			return fates[i].fate;
	return "acts";
}

/* A name may have a prefix, to stand twice in its section: "1.Options". */
static struct span command_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return span_of(dot != NULL ? dot + 1 : name);
}

static void setting_put(const CONF_VALUE *one, char *out, size_t size)
{
	struct span command = command_of(one->name);
	char value[160];
	size_t used = strlen(out);

	escape_text(value, sizeof(value), span_of(one->value));
	snprintf(out + used, size - used, "%s%.*s %s (%s)", used > 0 ? ", " : "", (int)command.n,
		 (const char *)command.p, value, fate_of(command));
}

/* openssl_conf -> ssl_conf -> system_default -> the section that every SSL_CTX is made with. */
static void settings_read(const char *path, char *out, size_t size)
{
	static const char *const steps[] = { "openssl_conf", "ssl_conf", "system_default" };
	CONF *conf = NCONF_new(NULL);
	const char *section = NULL;
	bool found = conf != NULL && NCONF_load(conf, path, NULL) == 1;
	STACK_OF(CONF_VALUE) *list;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && found; i++) {
		section = NCONF_get_string(conf, section, steps[i]);
		found = section != NULL;
	}
	list = found ? NCONF_get_section(conf, section) : NULL;
	for (int i = 0; i < sk_CONF_VALUE_num(list); i++)
		setting_put(sk_CONF_VALUE_value(list, i), out, size);
	NCONF_free(conf);
}

void tls_view_openssl(struct tls_view_openssl *out)
{
	char *path = CONF_get1_default_config_file();	/* honours OPENSSL_CONF */

	*out = (struct tls_view_openssl){ .built = OPENSSL_VERSION_TEXT, .running = OpenSSL_version(OPENSSL_VERSION) };
	if (path != NULL && path[0] != '\0' && access(path, R_OK) == 0) {
		snprintf(out->config, sizeof(out->config), "%s", path);
		settings_read(path, out->settings, sizeof(out->settings));
	}
	OPENSSL_free(path);
	ERR_clear_error();
}
