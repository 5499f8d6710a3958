/* accounts_name.c - the contract is in accounts_name.h; addresses as accounts.h has them. */
#include "auth/accounts_name.h"

#include <errno.h>
#include <string.h>

#include "auth/accounts.h"
#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/base/idn.h"
#include "common/base/utf8.h"

static bool stands_for_itself(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || ascii_digit(c) || (c != 0 && strchr("-_+=.", c) != NULL);
}

bool accounts_name_encode(char out[ACCOUNTS_FILE_MAX], struct span name, const char *suffix)
{
	static const char digits[] = "0123456789abcdef";
	bool reserved = *suffix == '\0' && (span_is(name, "order") || span_is(name, "srs.key") ||
					     span_is(name, "scram.key"));
	size_t used = 0, tail = strlen(suffix) + 1;

	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool plain = stands_for_itself(c) && !(i == 0 && (c == '.' || reserved));

		if (used + 3 + tail > ACCOUNTS_FILE_MAX)
			return false;
		if (plain) {
			out[used++] = (char)c;
			continue;
		}
		out[used++] = '%';
		out[used++] = digits[c >> 4];
		out[used++] = digits[c & 15];
	}
	memcpy(out + used, suffix, tail);
	return used > 0;
}

/* The bytes that file stands for, in whatever spelling. */
static bool decode_any(char out[ACCOUNTS_FILE_MAX], struct span file)
{
	size_t used = 0;

	if (file.n >= ACCOUNTS_FILE_MAX)
		return false;
	for (size_t i = 0; i < file.n; i++) {
		int high, low;

		if (file.p[i] != '%') {
			out[used++] = (char)file.p[i];
			continue;
		}
		high = i + 2 < file.n ? ascii_hex(file.p[i + 1]) : -1;
		low = i + 2 < file.n ? ascii_hex(file.p[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return false;
		out[used++] = (char)(high << 4 | low);
		i += 2;
	}
	out[used] = '\0';
	return used > 0;
}

bool accounts_name_decode(char out[ACCOUNTS_FILE_MAX], struct span file, const char *suffix)
{
	char again[ACCOUNTS_FILE_MAX];
	size_t tail = strlen(suffix);
	struct span name = file;

	if (file.n <= tail || memcmp(file.p + file.n - tail, suffix, tail) != 0)
		return false;
	name.n -= tail;
	return decode_any(out, name) && accounts_name_encode(again, span_of(out), suffix) &&
	       span_is(file, again);
}

bool accounts_name_split(struct span address, struct span *user, struct span *domain)
{
	for (size_t i = address.n; i > 0; i--) {
		if (address.p[i - 1] != '@')
			continue;
		*user = (struct span){ address.p, i - 1 };
		*domain = (struct span){ address.p + i, address.n - i };
		return true;
	}
	return false;
}

bool accounts_name_fold(char *out, size_t size, struct span s)
{
	if (s.n >= size || span_find(s, 0) >= 0)
		return false;
	for (size_t i = 0; i < s.n; i++)
		out[i] = (char)ascii_lower(s.p[i]);
	out[s.n] = '\0';
	return true;
}

static int not_valid(struct error *err, struct span in, const char *why)
{
	char shown[200];

	return error_set(err, -EINVAL, "\"%s\" %s", escape_text(shown, sizeof(shown), in), why);
}

/* One label of a domain: RFC 5321 2.3.5 */
static bool label_valid(struct span label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-')
			return false;
	return true;
}

static bool domain_valid(struct span domain)
{
	if (domain.n == 0 || domain.n > 253 || domain.p[domain.n - 1] == '.')
		return false;
	while (domain.n > 0)
		if (!label_valid(span_take_until(&domain, '.')))
			return false;
	return true;
}

/* A dot-string of at most 64 bytes: RFC 5321 4.1.2 */
static bool user_valid(struct span user)
{
	if (user.n == 0 || user.n > 64 || user.p[user.n - 1] == '.')
		return false;
	while (user.n > 0) {
		struct span atom = span_take_until(&user, '.');

		for (size_t i = 0; i < atom.n; i++)
			if (!ascii_alnum(atom.p[i]) &&
			    (atom.p[i] == 0 || strchr("!#$%&'*+-/=?^_`{|}~", atom.p[i]) == NULL))
				return false;
		if (atom.n == 0)
			return false;
	}
	return true;
}

/* In lower case, and as DNS has it where it has letters of its own (RFC 5891 4). */
static bool take_domain(struct span in, char out[ACCOUNTS_DOMAIN_MAX])
{
	char ascii[IDN_MAX];

	return idn_ascii(in, ascii) && domain_valid(span_of(ascii)) &&
	       accounts_name_fold(out, ACCOUNTS_DOMAIN_MAX, span_of(ascii));
}

int accounts_domain(const char *in, char out[ACCOUNTS_DOMAIN_MAX], struct error *err)
{
	struct span s = span_of(in);

	if (!take_domain(s, out))
		return not_valid(err, s, "is not a domain: letters of any script, digits, hyphens and dots");
	return 0;
}

int accounts_target(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err)
{
	struct span s = span_of(in), user, domain;
	char name[ACCOUNTS_DOMAIN_MAX];

	if (!accounts_name_split(s, &user, &domain))
		return not_valid(err, s, "is not an address: user@domain");
	if (!user_valid(user))
		return not_valid(err, s,
				 "is not an address: before the @ stand letters, digits, "
				 "!#$%&'*+-/=?^_`{|}~ and single dots, 64 at most");
	if (!take_domain(domain, name))
		return not_valid(err, s, "is not an address: behind the @ stands a domain");
	memcpy(out, user.p, user.n + 1);
	memcpy(out + user.n + 1, name, strlen(name) + 1);
	return 0;
}

int accounts_address(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err)
{
	char any[ACCOUNTS_ADDRESS_MAX];
	int code = accounts_target(in, any, err);

	if (code < 0)
		return code;
	if (strchr(any, '/') != NULL) /* legal elsewhere; the store takes it for no account */
		return not_valid(err, span_of(in), "has a slash in it, which no name here may have");
	accounts_name_fold(out, ACCOUNTS_ADDRESS_MAX, span_of(any));
	return 0;
}

bool accounts_name_address(char *out, size_t size, struct span address)
{
	struct span user, domain;
	char name[ACCOUNTS_DOMAIN_MAX];
	size_t n;

	if (!accounts_name_split(address, &user, &domain) || !take_domain(domain, name) || user.n + 1 >= size ||
	    !accounts_name_fold(out, size, user))
		return false;
	n = strlen(name);
	if (user.n + 1 + n >= size)
		return false;
	out[user.n] = '@';
	memcpy(out + user.n + 1, name, n + 1);
	return true;
}

int accounts_alias_name(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err)
{
	if (*in != '@')
		return accounts_address(in, out, err);
	*out = '@';
	return accounts_domain(in + 1, out + 1, err);
}

/* "AB:CD:..." as openssl shows it, or the digits alone. */
bool accounts_fingerprint(struct span in, char out[ACCOUNTS_FINGERPRINT])
{
	char digits[ACCOUNTS_FINGERPRINT];
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		bool between = n > 0 && n % 2 == 0 && n + 1 < sizeof(digits) && in.p[i - 1] != ':';

		if (in.p[i] == ':' && between)
			continue;
		if (ascii_hex(in.p[i]) < 0 || n + 1 == sizeof(digits))
			return false;
		digits[n++] = (char)ascii_lower(in.p[i]);
	}
	digits[n] = '\0';
	if (n + 1 == sizeof(digits))
		memcpy(out, digits, sizeof(digits));
	return n + 1 == sizeof(digits);
}

bool accounts_label(struct span label)
{
	if (label.n >= ACCOUNTS_LABEL_MAX || !utf8_valid(label) || !span_equal(span_trim(label), label))
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (ascii_control(label.p[i]))
			return false;
	return true;
}
