/* choice.c - the contract is in choice.h. */
#include "common/tls/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"

struct set {
	struct set *next;
	const struct tls_identity *member[TLS_KIND_COUNT];	/* void once tls_choice_new is over */
	SSL_CTX *ctx;
};

struct tls_choice {
	struct table *names;	/* "mail.example.org", "*.example.org" -> struct set */
	struct set *sets;	/* the default one last */
	struct set *fallback;
};

/* What tls_choice_new works with. */
struct work {
	struct tls_identity *identities;
	size_t count;
	tls_choice_make make;
	void *arg;
};

static int set_fill(struct set *s, struct error *err)
{
	for (size_t kind = 0; kind < TLS_KIND_COUNT; kind++)
		if (s->member[kind] != NULL && tls_identity_use(s->member[kind], s->ctx, err) < 0)
			return -EINVAL;
	return 0;
}

/* The set with just these members: one that is there, or a new one. NULL: failed. */
static struct set *set_of(struct tls_choice *c, const struct work *w,
			  const struct tls_identity *const member[TLS_KIND_COUNT], struct error *err)
{
	struct set *s;

	for (s = c->sets; s != NULL; s = s->next)
		if (memcmp(s->member, member, sizeof(s->member)) == 0)
			return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		error_set(err, -ENOMEM, "no memory for a set of certificates");
		return NULL;
	}
	s->next = c->sets;
	c->sets = s;
	memcpy(s->member, member, sizeof(s->member));
	if (w->make(w->arg, &s->ctx, err) < 0 || set_fill(s, err) < 0)
		return NULL;
	return s;
}

/* The first of each kind that covers name; `first` comes before all others. */
static struct set *set_for(struct tls_choice *c, const struct work *w, struct tls_identity *first,
			   const char *name, struct error *err)
{
	const struct tls_identity *member[TLS_KIND_COUNT] = { NULL };

	if (first != NULL) {
		member[first->kind] = first;
		first->used = true;
	}
	for (size_t i = 0; i < w->count && name != NULL; i++) {
		struct tls_identity *id = &w->identities[i];

		if (member[id->kind] != NULL || !tls_identity_covers(id, name))
			continue;
		member[id->kind] = id;
		id->used = true;
	}
	return set_of(c, w, member, err);
}

static int name_put(struct tls_choice *c, const struct work *w, const char *name, struct error *err)
{
	struct set *s;

	if (table_get(c->names, span_of(name)) != NULL)
		return 0;
	s = set_for(c, w, NULL, name, err);
	if (s == NULL)
		return -EINVAL;
	if (table_put(c->names, span_of(name), s) < 0)
		return error_set(err, -ENOMEM, "no memory for the names of certificates");
	return 0;
}

static int choice_fill(struct tls_choice *c, const struct work *w, struct error *err)
{
	struct tls_identity *first = &w->identities[0];
	int rc = 0;

	c->fallback = set_for(c, w, first, first->name_count > 0 ? first->names[0] : NULL, err);
	if (c->fallback == NULL)
		return -EINVAL;
	for (size_t i = 0; i < w->count && rc == 0; i++)
		for (size_t j = 0; j < w->identities[i].name_count && rc == 0; j++)
			rc = name_put(c, w, w->identities[i].names[j], err);
	return rc;
}

int tls_choice_new(struct tls_choice **out, struct tls_identity *identities, size_t count,
		   tls_choice_make make, void *arg, struct error *err)
{
	struct work w = { identities, count, make, arg };
	struct tls_choice *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for a choice of certificates");
	rc = table_new(&c->names, err);
	if (rc == 0)
		rc = choice_fill(c, &w, err);
	if (rc < 0) {
		tls_choice_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void tls_choice_free(struct tls_choice *c)
{
	if (c == NULL)
		return;
	while (c->sets != NULL) {
		struct set *s = c->sets;

		c->sets = s->next;
		SSL_CTX_free(s->ctx);
		free(s);
	}
	table_free(c->names);
	free(c);
}

SSL_CTX *tls_choice_find(const struct tls_choice *c, struct span name)
{
	char folded[TLS_NAME_MAX], wildcard[TLS_NAME_MAX];
	const struct set *s;

	if (!tls_name_fold(folded, name))
		return NULL;
	s = table_get(c->names, span_of(folded));
	if (s == NULL && tls_name_wildcard(wildcard, folded))
		s = table_get(c->names, span_of(wildcard));
	return s != NULL ? s->ctx : NULL;
}

SSL_CTX *tls_choice_default(const struct tls_choice *c)
{
	return c->fallback->ctx;
}
