/* accounts_app.c - the contract is in accounts_app.h. */
#include "auth/accounts_app.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "auth/accounts_text.h"
#include "common/base/ascii.h"

static const struct {
	const char *name;
	unsigned bit;
} services[] = { { "imap", ACCOUNTS_FOR_IMAP }, { "pop3", ACCOUNTS_FOR_POP3 }, { "smtp", ACCOUNTS_FOR_SMTP } };

enum { SERVICES = sizeof(services) / sizeof(services[0]) };

unsigned accounts_scope_of(const char *service)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (strcmp(services[i].name, service) == 0)
			return services[i].bit;
	return 0;
}

bool accounts_scope_parse(struct span text, unsigned *scope)
{
	*scope = 0;
	while (text.n > 0) {
		struct span one = span_trim(span_take_until(&text, ','));
		size_t i = 0;

		while (i < SERVICES && !span_is_nocase(one, services[i].name))
			i++;
		if (i == SERVICES)
			return false;
		*scope |= services[i].bit;
	}
	return *scope != 0;
}

void accounts_scope_text(char out[ACCOUNTS_SCOPE_TEXT], unsigned scope)
{
	struct buf b;

	buf_init(&b, ACCOUNTS_SCOPE_TEXT);
	for (size_t i = 0; i < SERVICES; i++)
		if ((scope & services[i].bit) != 0)
			buf_printf(&b, "%s%s", b.n > 0 ? "," : "", services[i].name);
	memcpy(out, b.p != NULL ? (const char *)b.p : "", b.n);
	out[b.n] = '\0';
	buf_clear(&b);
}

bool accounts_app_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alpha(name.p[i]) && !ascii_digit(name.p[i]) && strchr("._-", name.p[i]) == NULL)
			return false;
	return name.n > 0 && name.n < ACCOUNTS_APP_NAME && name.p[0] != '-' && span_find(name, 0) < 0;
}

static void hash(uint8_t out[ACCOUNTS_APP_HASH], const struct account_app *app, struct span password)
{
	crypto_generichash(out, ACCOUNTS_APP_HASH, password.p, password.n, app->salt, sizeof(app->salt));
}

void accounts_app_make(struct account_app *app, const char *password)
{
	randombytes_buf(app->salt, sizeof(app->salt));
	hash(app->hash, app, span_of(password));
}

bool accounts_app_fits(const struct account_app *app, struct span password)
{
	uint8_t got[ACCOUNTS_APP_HASH];

	hash(got, app, password);
	return sodium_memcmp(got, app->hash, sizeof(got)) == 0;
}

const struct account_app *accounts_app_find(const struct account *a, struct span password)
{
	const struct account_app *found = NULL;

	for (size_t i = 0; i < a->app_count; i++)
		if (accounts_app_fits(&a->apps[i], password))
			found = &a->apps[i];
	return found;
}

const struct scram_keys *accounts_app_keys(const struct account *a, enum scram_hash h)
{
	for (size_t i = 0; i < a->app_count; i++)
		if (a->apps[i].scram[h].iterations > 0)
			return &a->apps[i].scram[h];
	return NULL;
}

static bool read_hex(struct span text, uint8_t *out, size_t size)
{
	size_t n = 0;

	return text.n == 2 * size && sodium_hex2bin(out, size, (const char *)text.p, text.n, NULL, &n, NULL) == 0 && n == size;
}

bool accounts_app_read(struct account_app *app, struct span value)
{
	struct span name = span_take_until(&value, ' '), scope = span_take_until(&value, ' ');
	struct span expires = span_take_until(&value, ' '), salt = span_take_until(&value, ' ');

	*app = (struct account_app){ .scope = 0 };
	if (!accounts_app_name(name) || !accounts_scope_parse(scope, &app->scope) ||
	    !read_hex(salt, app->salt, sizeof(app->salt)) || !read_hex(value, app->hash, sizeof(app->hash)))
		return false;
	memcpy(app->name, name.p, name.n);
	return span_is(expires, "never") || accounts_time_parse(expires, &app->expires_s);
}

void accounts_app_put(struct buf *b, const struct account_app *app)
{
	char scope[ACCOUNTS_SCOPE_TEXT], expires[ACCOUNTS_TIME] = "never", salt[2 * ACCOUNTS_APP_SALT + 1],
		digits[2 * ACCOUNTS_APP_HASH + 1];

	accounts_scope_text(scope, app->scope);
	if (app->expires_s > 0)
		accounts_time_text(expires, app->expires_s);
	sodium_bin2hex(salt, sizeof(salt), app->salt, sizeof(app->salt));
	sodium_bin2hex(digits, sizeof(digits), app->hash, sizeof(app->hash));
	buf_printf(b, "app %s %s %s %s %s\n", app->name, scope, expires, salt, digits);
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++) {
		if (app->scram[h].iterations == 0)
			continue;
		buf_put_text(b, "app-");
		accounts_text_put_keys(b, h, &app->scram[h]);
	}
}

int accounts_apps_take(struct arena *arena, const struct account_app *apps, size_t count, struct account *account)
{
	struct account_app *kept;

	if (count == 0)
		return 0;
	kept = arena_array(arena, count, sizeof(kept[0]));
	if (kept == NULL)
		return -ENOMEM;
	memcpy(kept, apps, count * sizeof(kept[0]));
	account->apps = kept;
	account->app_count = count;
	return 0;
}

int accounts_apps_check(const struct account *account, struct error *err)
{
	if (account->app_count > ACCOUNTS_APPS_MAX)
		return error_set(err, -EINVAL, "an account has %d app passwords at most", ACCOUNTS_APPS_MAX);
	for (size_t i = 0; i < account->app_count; i++)
		if (!accounts_app_name(span_of(account->apps[i].name)) || account->apps[i].scope == 0)
			return error_set(err, -EINVAL, "the name or the scope of an app password is malformed");
	return 0;
}
