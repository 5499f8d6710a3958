/* sts_policy.c - the contract is in sts_policy.h. */
#include "deliverd/sts_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/buf.h"

enum {
	NAME_MAX_BYTES = 253,
	LABEL_MAX_BYTES = 63,
	AGE_DIGITS = 10
};

/* --- the record (RFC 8461 3.1) --------------------------------------------- */

static bool is_version(struct span field)
{
	return span_is(span_trim(field), "v=STSv1");
}

static bool id_take(struct span value, char id[STS_ID])
{
	if (value.n == 0 || value.n >= STS_ID)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_alnum(value.p[i]))
			return false;
	memcpy(id, value.p, value.n);
	id[value.n] = '\0';
	return true;
}

/* Fields but the id are for others; each has a name and a value. */
static bool record_read(struct span rest, char id[STS_ID])
{
	id[0] = '\0';
	span_take_until(&rest, ';');	/* the version */
	while (rest.n > 0) {
		struct span field = span_trim(span_take_until(&rest, ';')), value = field;
		struct span name = span_take_until(&value, '=');

		if (field.n == 0 && span_trim(rest).n == 0)
			break;
		if (name.n == 0 || name.n == field.n)
			return false;
		if (span_is(name, "id") && id[0] == '\0' && !id_take(value, id))
			return false;
	}
	return id[0] != '\0';
}

bool sts_record_find(const struct span *texts, size_t count, char id[STS_ID])
{
	size_t found = 0, which = 0;

	for (size_t i = 0; i < count; i++) {
		struct span rest = texts[i];

		if (is_version(span_take_until(&rest, ';'))) {
			found++;
			which = i;
		}
	}
	return found == 1 && record_read(texts[which], id);
}

/* --- the policy (RFC 8461 3.2) --------------------------------------------- */

/* What has been read so far; fields that come twice count once. */
struct reading {
	bool version, mode, age, mx;
	enum sts_mode what;
	uint64_t max_age_s;
	struct buf mx_lines;
};

static bool label_good(struct span label)
{
	if (label.n == 0 || label.n > LABEL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return true;
}

static bool name_good(struct span name)
{
	if (name.n == 0 || name.n > NAME_MAX_BYTES || name.p[name.n - 1] == '.')
		return false;
	while (name.n > 0)
		if (!label_good(span_take_until(&name, '.')))
			return false;
	return true;
}

/* A name, or one with "*." in front. A dot at the end is a frequent slip. */
static bool pattern_take(struct span pattern, struct buf *out)
{
	struct span name = pattern;

	if (pattern.n > 1 && pattern.p[pattern.n - 1] == '.')
		name.n = --pattern.n;
	if (span_starts(name, "*."))
		span_take(&name, 2);
	if (!name_good(name))
		return false;
	buf_put_text(out, "mx: ");
	for (size_t i = 0; i < pattern.n; i++)
		buf_put_byte(out, ascii_lower(pattern.p[i]));
	buf_put_byte(out, '\n');
	return true;
}

static const struct {
	const char *text;
	enum sts_mode mode;
} modes[] = { { "none", STS_NONE }, { "testing", STS_TESTING }, { "enforce", STS_ENFORCE } };

static bool mode_take(struct reading *r, struct span value)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (span_is(value, modes[i].text)) {
			r->what = modes[i].mode;
			return true;
		}
	return false;
}

/* More than a year counts as a year. */
static bool age_take(struct reading *r, struct span value)
{
	if (value.n > AGE_DIGITS || !span_number(value, UINT64_MAX, &r->max_age_s))
		return false;
	if (r->max_age_s > STS_AGE_MAX)
		r->max_age_s = STS_AGE_MAX;
	return true;
}

/* Returns what is wrong with the line, or NULL. */
static const char *line_take(struct reading *r, struct span line)
{
	struct span value = line, name = span_trim(span_take_until(&value, ':'));

	if (span_trim(line).n == 0)
		return NULL;
	if (name.n == span_trim(line).n)
		return "a line without a colon";
	value = span_trim(value);
	if (span_is(name, "version") && !r->version) {
		r->version = true;
		return span_is(value, "STSv1") ? NULL : "its version is not STSv1";
	}
	if (span_is(name, "mode") && !r->mode) {
		r->mode = true;
		return mode_take(r, value) ? NULL : "its mode is none of enforce, testing, none";
	}
	if (span_is(name, "max_age") && !r->age) {
		r->age = true;
		return age_take(r, value) ? NULL : "its max_age is no number of seconds";
	}
	if (span_is(name, "mx")) {
		r->mx = true;
		return pattern_take(value, &r->mx_lines) ? NULL : "an mx is no host's name";
	}
	return NULL;
}

static const char *text_take(struct reading *r, struct span text)
{
	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n');
		const char *wrong;

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		wrong = line_take(r, line);
		if (wrong != NULL)
			return wrong;
	}
	if (!r->version)
		return "it has no version";
	if (!r->mode)
		return "it has no mode";
	if (!r->age)
		return "it has no max_age";
	return r->mx || r->what == STS_NONE ? NULL : "it has no mx";
}

static int policy_make(struct sts_policy **out, const struct reading *r, struct error *err)
{
	struct sts_policy *p;
	struct buf text;

	buf_init(&text, STS_TEXT);
	buf_printf(&text, "version: STSv1\nmode: %s\n", modes[r->what].text);
	buf_put(&text, buf_span(&r->mx_lines));
	buf_printf(&text, "max_age: %llu\n", (unsigned long long)r->max_age_s);
	/* As it is written it may be longer than it came. */
	p = !text.failed && !r->mx_lines.failed ? malloc(sizeof(*p) + text.n) : NULL;
	if (p == NULL) {
		buf_clear(&text);
		return error_set(err, -EINVAL, "it is longer than %d bytes, or no memory for it", STS_TEXT);
	}
	memcpy(p + 1, text.p, text.n);
	*p = (struct sts_policy){
		.holders = 1,
		.mode = r->what,
		.max_age_s = (uint32_t)r->max_age_s,
		.text = { (const uint8_t *)(p + 1), text.n },
	};
	buf_clear(&text);
	*out = p;
	return 0;
}

int sts_policy_read(struct sts_policy **out, struct span text, struct error *err)
{
	struct reading r = { .what = STS_NONE };
	const char *wrong;
	int rc;

	*out = NULL;
	if (text.n > STS_TEXT)
		return error_set(err, -EINVAL, "it is longer than %d bytes", STS_TEXT);
	buf_init(&r.mx_lines, STS_TEXT);
	wrong = text_take(&r, text);
	rc = wrong != NULL ? error_set(err, -EINVAL, "%s", wrong) : policy_make(out, &r, err);
	buf_clear(&r.mx_lines);
	return rc;
}

struct sts_policy *sts_policy_hold(struct sts_policy *p)
{
	if (p != NULL)
		p->holders++;
	return p;
}

void sts_policy_drop(struct sts_policy *p)
{
	if (p != NULL && --p->holders == 0)
		free(p);
}

/* --- its hosts ------------------------------------------------------------- */

bool sts_policy_mx(struct span *rest, struct span *pattern)
{
	while (rest->n > 0) {
		struct span line = span_take_until(rest, '\n');

		if (!span_starts(line, "mx: "))
			continue;
		span_take(&line, strlen("mx: "));
		*pattern = line;
		return true;
	}
	return false;
}

/* RFC 8461 4.1: the wildcard stands for one label, whole, at the left. */
static bool pattern_fits(struct span pattern, struct span host)
{
	if (span_starts(pattern, "*.")) {
		span_take(&pattern, 2);
		if (span_take_until(&host, '.').n == 0)
			return false;
	}
	return span_equal_nocase(pattern, host);
}

bool sts_policy_lists(const struct sts_policy *p, const char *host)
{
	struct span rest = p->text, pattern;

	while (sts_policy_mx(&rest, &pattern))
		if (pattern_fits(pattern, span_of(host)))
			return true;
	return false;
}
