/* tags.c - the contract is in tags.h. */
#include "dkim/tags.h"

#include "common/base/ascii.h"

static bool is_fold(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span dkim_trim(struct span in)
{
	while (in.n > 0 && is_fold(in.p[0]))
		span_take(&in, 1);
	while (in.n > 0 && is_fold(in.p[in.n - 1]))
		in.n--;
	return in;
}

/* RFC 6376 3.2: a letter, then letters, digits and underscores. */
static bool is_name(struct span name)
{
	if (name.n == 0 || !ascii_alpha(name.p[0]))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alnum(name.p[i]) && name.p[i] != '_')
			return false;
	return true;
}

bool dkim_tags_read(struct dkim_tags *t, struct span text)
{
	t->count = 0;
	while (text.n > 0) {
		struct span one = span_take_until(&text, ';');
		ptrdiff_t equals = span_find(one, '=');
		struct dkim_tag *tag = &t->tags[t->count];

		if (dkim_trim(one).n == 0 && text.n == 0)
			break;	/* the last one may have a ; behind it */
		if (equals < 0 || t->count == DKIM_TAGS)
			return false;
		tag->name = dkim_trim(span_take(&one, (size_t)equals));
		span_take(&one, 1);
		tag->whole = one;
		tag->value = dkim_trim(one);
		for (size_t i = 0; i < t->count; i++)
			if (span_equal(t->tags[i].name, tag->name))
				return false;	/* RFC 6376 3.2: then the whole list is invalid */
		if (!is_name(tag->name))
			return false;
		t->count++;
	}
	return t->count > 0;
}

bool dkim_tags_find(const struct dkim_tags *t, const char *name, struct span *value)
{
	for (size_t i = 0; i < t->count; i++)
		if (span_is(t->tags[i].name, name)) {
			*value = t->tags[i].value;
			return true;
		}
	*value = (struct span){ NULL, 0 };
	return false;
}

bool dkim_tags_item(struct span *list, struct span *item)
{
	if (list->n == 0)
		return false;
	*item = dkim_trim(span_take_until(list, ':'));
	return true;
}
