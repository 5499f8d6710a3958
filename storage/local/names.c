/* names.c - the contract is in names.h. */
#include "storage/local/names.h"

#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

enum {
	NAMES_PART_MAX = 255, /* bytes of one name in a folder */
	NAMES_LEVEL_MAX = 255 /* bytes of one level of a mailbox name */
};

static const char hex_digits[] = "0123456789abcdef";

static bool part_plain(uint8_t c)
{
	return ascii_alnum(c) || (c != '\0' && strchr("._+=-", c) != NULL);
}

/* Appends a part at *n of out. A name that may not stand has its first byte encoded. */
static bool part_encode(char *out, size_t *n, struct span part, const char *reserved)
{
	size_t start = *n;

	for (size_t i = 0; i < part.n; i++) {
		uint8_t c = part.p[i];
		bool first = i == 0 && (c == '.' || span_is(part, reserved));

		if (*n - start + 3 > NAMES_PART_MAX || *n + 4 > NAMES_FOLDER_MAX)
			return false;
		if (part_plain(c) && !first) {
			out[(*n)++] = (char)c;
			continue;
		}
		out[(*n)++] = '%';
		out[(*n)++] = hex_digits[c >> 4];
		out[(*n)++] = hex_digits[c & 15];
	}
	return part.n > 0;
}

bool names_folder(char out[NAMES_FOLDER_MAX], struct span account)
{
	struct span user = account, domain;
	size_t n = 0, at = account.n;

	while (at > 0 && account.p[at - 1] != '@')
		at--;
	if (at == 0 || account.n >= STORE_ACCOUNT_MAX)
		return false;
	user.n = at - 1;
	domain = (struct span){ account.p + at, account.n - at };
	for (size_t i = 0; i < account.n; i++)
		if (ascii_control(account.p[i]) || account.p[i] == '/')
			return false;
	if (!part_encode(out, &n, domain, "tmp"))
		return false;
	out[n++] = '/';
	if (!part_encode(out, &n, user, ""))
		return false;
	out[n] = '\0';
	return true;
}

static bool part_decode(char *out, size_t *n, const char *part)
{
	for (; *part != '\0'; part++) {
		uint8_t c = (uint8_t)*part;

		if (*n + 2 > STORE_ACCOUNT_MAX)
			return false;
		if (c == '%') {
			int high = ascii_hex((uint8_t)part[1]),
			    low = high < 0 ? -1 : ascii_hex((uint8_t)part[2]);

			if (low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			part += 2;
		}
		out[(*n)++] = (char)c;
	}
	return true;
}

bool names_account(char out[STORE_ACCOUNT_MAX], const char *domain, const char *user)
{
	char folder[NAMES_FOLDER_MAX];
	size_t n = 0, d = strlen(domain);

	if (!part_decode(out, &n, user))
		return false;
	if (n + 2 > STORE_ACCOUNT_MAX)
		return false;
	out[n++] = '@';
	if (!part_decode(out, &n, domain) || !names_folder(folder, (struct span){ (uint8_t *)out, n }))
		return false;
	out[n] = '\0';
	/* One account has one folder: another spelling of it is not ours. */
	return strncmp(folder, domain, d) == 0 && folder[d] == '/' && strcmp(folder + d + 1, user) == 0;
}

void names_mailbox(char out[NAMES_MAILBOX_MAX], const char *folder, uint32_t mailbox)
{
	snprintf(out, NAMES_MAILBOX_MAX, "%s/%08x", folder, mailbox);
}

void names_file(char out[NAMES_FILE_MAX], uint32_t uid, const uint8_t guid[STORE_GUID])
{
	int n = snprintf(out, NAMES_FILE_MAX - 2 * STORE_GUID, "%u.", uid);

	for (size_t i = 0; i < STORE_GUID; i++) {
		out[n++] = hex_digits[guid[i] >> 4];
		out[n++] = hex_digits[guid[i] & 15];
	}
	out[n] = '\0';
}

void names_message(char out[NAMES_PATH_MAX], const char *folder, uint32_t mailbox, uint32_t uid,
		   const uint8_t guid[STORE_GUID])
{
	int n = snprintf(out, NAMES_PATH_MAX - NAMES_FILE_MAX, "%s/%08x/cur/", folder, mailbox);

	names_file(out + n, uid, guid);
}

bool names_mailbox_parse(const char *name, uint32_t *mailbox)
{
	*mailbox = 0;
	for (size_t i = 0; i < 8; i++) {
		const char *at = name[i] == '\0' ? NULL : strchr(hex_digits, name[i]);

		if (at == NULL)
			return false;
		*mailbox = *mailbox << 4 | (uint32_t)(at - hex_digits);
	}
	return name[8] == '\0' && *mailbox > 0;
}

bool names_message_parse(const char *name, uint32_t *uid, uint8_t guid[STORE_GUID])
{
	struct span rest = span_of(name), number = span_take_until(&rest, '.');
	uint64_t value;

	if (rest.n != 2 * STORE_GUID || number.n == 0 || number.p[0] == '0' ||
	    !span_number(number, NAMES_UID_NEVER, &value))
		return false;
	*uid = (uint32_t)value;
	for (size_t i = 0; i < STORE_GUID; i++) {
		int high = ascii_hex(rest.p[2 * i]), low = ascii_hex(rest.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		guid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool level_valid(struct span level)
{
	return level.n > 0 && level.n <= NAMES_LEVEL_MAX && !span_is(level, ".") && !span_is(level, "..");
}

bool names_mailbox_valid(struct span name)
{
	struct span rest = name;

	if (name.n == 0 || name.n > STORE_NAME_MAX || name.p[name.n - 1] == '/' || !utf8_valid(name))
		return false;
	while (rest.n > 0) {
		uint32_t c;

		utf8_take(&rest, &c);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	for (rest = name; rest.n > 0;)
		if (!level_valid(span_take_until(&rest, '/')))
			return false;
	return true;
}
