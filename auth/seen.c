/* seen.c - the contract is in seen.h. */
#include "auth/seen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_text.h"
#include "common/base/table.h"

static const char *const kind_names[SEEN_KINDS] = { "place", "app" };
static const size_t kind_most[SEEN_KINDS] = { SEEN_PLACES, SEEN_APPS };

struct item {
	struct item *next;
	int64_t when_s;
	enum seen_kind kind;
	bool changed;
	char word[];
};

struct owner {
	struct owner *next_changed;
	bool is_changed;		/* in the list of those */
	int64_t forgot_s[SEEN_KINDS];	/* to be told to the file; 0: nothing */
	struct item *items;
	char address[];
};

struct seen {
	struct table *owners;
	struct owner *changed;
};

int seen_new(struct seen **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out != NULL && table_new(&(*out)->owners, err) == 0)
		return 0;
	free(*out);
	*out = NULL;
	return error_set(err, -ENOMEM, "no memory for places of logins");
}

static void items_drop(struct owner *o, enum seen_kind kind)
{
	struct item **at = &o->items;

	while (*at != NULL) {
		struct item *it = *at;

		if (it->kind != kind) {
			at = &it->next;
			continue;
		}
		*at = it->next;
		free(it);
	}
}

void seen_free(struct seen *s)
{
	size_t at = 0;
	void *value;

	if (s == NULL)
		return;
	while (table_next(s->owners, &at, NULL, &value)) {
		for (enum seen_kind k = 0; k < SEEN_KINDS; k++)
			items_drop(value, k);
		free(value);
	}
	table_free(s->owners);
	free(s);
}

static struct owner *owner_of(struct seen *s, const char *account)
{
	struct owner *o = *account != '\0' ? table_get(s->owners, span_of(account)) : NULL;
	size_t n = strlen(account);

	if (o != NULL || n == 0 || n >= ACCOUNTS_ADDRESS_MAX)
		return o;
	o = calloc(1, sizeof(*o) + n + 1);
	if (o == NULL)
		return NULL;
	memcpy(o->address, account, n + 1);
	if (table_put(s->owners, span_of(account), o) == 0)
		return o;
	free(o);
	return NULL;
}

static struct item *item_of(const struct owner *o, enum seen_kind kind, const char *word)
{
	struct item *it = o->items;

	while (it != NULL && (it->kind != kind || strcmp(it->word, word) != 0))
		it = it->next;
	return it;
}

/* Room for one more of that kind: the oldest one goes. */
static void make_room(struct owner *o, enum seen_kind kind)
{
	struct item **oldest = NULL, *it;
	size_t n = 0;

	for (struct item **at = &o->items; *at != NULL; at = &(*at)->next) {
		if ((*at)->kind != kind)
			continue;
		n++;
		if (oldest == NULL || (*at)->when_s < (*oldest)->when_s)
			oldest = at;
	}
	if (n < kind_most[kind])
		return;
	it = *oldest;
	*oldest = it->next;
	free(it);
}

static struct item *item_put(struct owner *o, enum seen_kind kind, const char *word, int64_t when_s)
{
	struct item *it = item_of(o, kind, word);
	size_t n = strlen(word);

	if (it == NULL) {
		make_room(o, kind);
		it = calloc(1, sizeof(*it) + n + 1);
		if (it == NULL)
			return NULL;
		memcpy(it->word, word, n + 1);
		it->kind = kind;
		it->next = o->items;
		o->items = it;
	}
	it->when_s = when_s;
	return it;
}

static void set_changed(struct seen *s, struct owner *o)
{
	if (o->is_changed)
		return;
	o->is_changed = true;
	o->next_changed = s->changed;
	s->changed = o;
}

/* --- the file -------------------------------------------------------------- */

static bool kind_named(struct span name, enum seen_kind *out)
{
	for (enum seen_kind k = 0; k < SEEN_KINDS; k++) {
		if (!span_is(name, kind_names[k]))
			continue;
		*out = k;
		return true;
	}
	return false;
}

static bool copy_text(char *out, size_t size, struct span from)
{
	if (from.n == 0 || from.n >= size || span_find(from, 0) >= 0)
		return false;
	memcpy(out, from.p, from.n);
	out[from.n] = '\0';
	return true;
}

/* False: no memory. */
static bool take_line(struct seen *s, struct span line)
{
	struct span when = span_take_until(&line, ' '), what = span_take_until(&line, ' '),
		    word = span_take_until(&line, ' ');
	char address[ACCOUNTS_ADDRESS_MAX], text[SEEN_WORD];
	bool forgets = span_is(what, "forget");
	enum seen_kind kind;
	struct owner *o;
	int64_t when_s;

	if (!accounts_time_parse(when, &when_s) || !kind_named(forgets ? word : what, &kind) ||
	    !copy_text(text, sizeof(text), word) || !copy_text(address, sizeof(address), span_trim(line)))
		return true;
	o = owner_of(s, address);
	if (o == NULL)
		return false;
	if (forgets)
		items_drop(o, kind);
	return forgets || item_put(o, kind, text, when_s) != NULL;
}

int seen_read(struct seen *s, struct span text)
{
	while (text.n > 0)
		if (!take_line(s, span_take_until(&text, '\n')))
			return -ENOMEM;
	return 0;
}

static void put_line(struct buf *out, int64_t when_s, const char *what, const char *word, const char *address)
{
	char when[ACCOUNTS_TIME];

	accounts_time_text(when, when_s);
	buf_printf(out, "%s %s %s %s\n", when, what, word, address);
}

static void put_items(struct owner *o, struct buf *out, bool all)
{
	for (struct item *it = o->items; it != NULL; it = it->next) {
		if (all || it->changed)
			put_line(out, it->when_s, kind_names[it->kind], it->word, o->address);
		it->changed = false;
	}
}

void seen_put_changes(struct seen *s, struct buf *out)
{
	for (struct owner *o; (o = s->changed) != NULL; o->is_changed = false) {
		s->changed = o->next_changed;
		for (enum seen_kind k = 0; k < SEEN_KINDS; k++) {
			if (o->forgot_s[k] != 0)
				put_line(out, o->forgot_s[k], "forget", kind_names[k], o->address);
			o->forgot_s[k] = 0;
		}
		put_items(o, out, false);
	}
}

void seen_put_all(struct seen *s, struct buf *out)
{
	size_t at = 0;
	void *value;

	for (struct owner *o; (o = s->changed) != NULL; o->is_changed = false) {
		s->changed = o->next_changed;
		memset(o->forgot_s, 0, sizeof(o->forgot_s));
	}
	while (table_next(s->owners, &at, NULL, &value))
		put_items(value, out, true);
}

/* --- what happens ---------------------------------------------------------- */

int64_t seen_when(const struct seen *s, const char *account, enum seen_kind kind, const char *word)
{
	const struct owner *o = *account != '\0' ? table_get(s->owners, span_of(account)) : NULL;
	const struct item *it = o != NULL ? item_of(o, kind, word) : NULL;

	return it != NULL ? it->when_s : 0;
}

void seen_note(struct seen *s, const char *account, enum seen_kind kind, const char *word, int64_t now_s)
{
	struct owner *o = strlen(word) < SEEN_WORD ? owner_of(s, account) : NULL;
	struct item *it = o != NULL ? item_put(o, kind, word, now_s) : NULL;

	if (it == NULL)
		return;
	it->changed = true;
	set_changed(s, o);
}

void seen_forget(struct seen *s, const char *account, enum seen_kind kind, int64_t now_s)
{
	struct owner *o = *account != '\0' ? table_get(s->owners, span_of(account)) : NULL;

	if (o == NULL)
		return;
	items_drop(o, kind);
	o->forgot_s[kind] = now_s;
	set_changed(s, o);
}
