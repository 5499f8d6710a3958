/* rows.c - the table of keys, and how a name is found in it. */
#include <assert.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/config/scope.h"

#define ROW(id, row_name, row_files, row_type, row_default, row_least, row_most, row_effect, row_flags,      \
	    row_help)                                                                                        \
	[CONFIG_##id] = { .name = row_name,                                                                  \
			  .files = row_files,                                                                \
			  .type = CONFIG_TYPE_##row_type,                                                    \
			  .fallback = row_default,                                                           \
			  .least = row_least,                                                                \
			  .most = row_most,                                                                  \
			  .effect = CONFIG_EFFECT_##row_effect,                                              \
			  .flags = row_flags,                                                                \
			  .help = row_help },
const struct config_row config_rows[CONFIG_KEY_COUNT] = { CONFIG_KEYS(ROW) };
#undef ROW

/* What differs by file. */
static const struct {
	enum config_file which;
	const char *name, *user;
	int64_t idle_ms;
	size_t line_limit;
} files[] = {
	{ CONFIG_YUBIN, "yubin", "", 0, 0 },
	{ CONFIG_SMTPD, "smtpd", "yubin-net", 5 * 60 * 1000, 2048 },   /* RFC 5321 4.5.3.2 */
	{ CONFIG_POP3D, "pop3d", "yubin-net", 10 * 60 * 1000, 2048 },  /* RFC 1939 3 */
	{ CONFIG_IMAPD, "imapd", "yubin-net", 30 * 60 * 1000, 65536 }, /* RFC 9051 5.4 */
	{ CONFIG_AUTHD, "authd", "yubin-auth", 0, 0 },
	{ CONFIG_STORAGED, "storaged", "yubin-store", 0, 0 },
	{ CONFIG_DELIVERD, "deliverd", "yubin-net", 0, 0 },
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static size_t file_at(enum config_file which)
{
	for (size_t i = 0; i < FILES; i++)
		if (files[i].which == which)
			return i;
	assert(!"one bit of enum config_file");
	return 0;
}

const char *config_file_name(enum config_file which)
{
	return files[file_at(which)].name;
}

unsigned config_file_of(const char *daemon)
{
	for (size_t i = 0; i < FILES; i++)
		if (strcmp(files[i].name, daemon) == 0)
			return files[i].which;
	return 0;
}

int64_t config_idle_ms(const struct config_scope *s, enum config_file which)
{
	return config_is_set(s, CONFIG_IDLE_TIME) ? config_number(s, CONFIG_IDLE_TIME)
						  : files[file_at(which)].idle_ms;
}

size_t config_line_limit(const struct config_scope *s, enum config_file which)
{
	return config_is_set(s, CONFIG_LINE_LIMIT) ? (size_t)config_number(s, CONFIG_LINE_LIMIT)
						   : files[file_at(which)].line_limit;
}

const char *config_user(const struct config_scope *s, enum config_file which)
{
	const char *user = config_text(s, CONFIG_USER);

	return *user != '\0' ? user : files[file_at(which)].user;
}

bool config_require_tls(const struct config_scope *s, enum config_file which, enum config_service service)
{
	if (config_is_set(s, CONFIG_REQUIRE_TLS))
		return config_bool(s, CONFIG_REQUIRE_TLS);
	return which != CONFIG_SMTPD || service == CONFIG_SERVICE_SUBMISSION;
}

bool config_find(enum config_file which, struct span name, enum config_key *key)
{
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++)
		if ((config_rows[i].files & which) != 0 && span_is_nocase(name, config_rows[i].name)) {
			*key = i;
			return true;
		}
	return false;
}

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters that must be added, dropped or replaced to make b of a. */
static unsigned distance(struct span a, struct span b)
{
	enum { LONGEST = 40 };
	unsigned row[LONGEST + 1];

	if (a.n > LONGEST || b.n > LONGEST)
		return LONGEST;
	for (unsigned i = 0; i <= b.n; i++)
		row[i] = i;
	for (size_t i = 0; i < a.n; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < b.n; j++) {
			unsigned above = row[j + 1];

			row[j + 1] = least_of(above + 1, row[j] + 1,
					      corner + (ascii_lower(a.p[i]) != ascii_lower(b.p[j])));
			corner = above;
		}
	}
	return row[b.n];
}

static const char *nearest(enum config_file which, struct span name)
{
	unsigned best = (unsigned)(name.n / 3 < 3 ? name.n / 3 : 3) + 1;
	const char *found = NULL;

	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		unsigned d =
		    (config_rows[i].files & which) != 0 ? distance(name, span_of(config_rows[i].name)) : best;

		if (d < best) {
			best = d;
			found = config_rows[i].name;
		}
	}
	return found;
}

static void put_homes(const struct config_row *row, struct buf *out)
{
	const char *between = "it belongs in ";

	for (size_t i = 0; i < FILES; i++)
		if ((row->files & files[i].which) != 0) {
			buf_printf(out, "%s%s.conf", between, files[i].name);
			between = ", ";
		}
}

void config_suggest(enum config_file which, struct span name, struct buf *out)
{
	const char *near;

	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++)
		if (span_is_nocase(name, config_rows[i].name)) {
			put_homes(&config_rows[i], out);
			return;
		}
	near = nearest(which, name);
	if (near != NULL)
		buf_printf(out, "did you mean %s?", near);
	else
		buf_printf(out, "`yubin config show --all` lists the keys");
}
