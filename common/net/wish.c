/* wish.c - the contract is in wish.h. */
#include "common/net/wish.h"

#include <errno.h>
#include <string.h>

#include "common/base/arena.h"

enum { WISH_MAX = 128 << 10 }; /* a DNS answer full of TLSA records, and names */

struct wish {
	struct arena *arena; /* in which it lies itself */
	struct tls_outbound_wish wish;
	struct tls_outbound_dane dane;
};

static const char *copy(struct arena *a, const char *text)
{
	return text != NULL ? arena_text(a, span_of(text)) : NULL;
}

static bool copy_dane(struct wish *out, const struct tls_outbound_dane *d)
{
	struct tls_tlsa *records = arena_array(out->arena, d->count + 1, sizeof(*records));
	const char **names = arena_array(out->arena, d->name_count + 1, sizeof(*names));

	if (records == NULL || names == NULL)
		return false;
	for (size_t i = 0; i < d->count; i++) {
		records[i] = d->records[i];
		records[i].data = arena_copy(out->arena, d->records[i].data);
		if (records[i].data.p == NULL)
			return false;
	}
	for (size_t i = 0; i < d->name_count; i++) {
		names[i] = copy(out->arena, d->names[i]);
		if (names[i] == NULL)
			return false;
	}
	out->dane =
	    (struct tls_outbound_dane){ records, d->count, copy(out->arena, d->base), names, d->name_count };
	out->wish.dane = &out->dane;
	return d->base == NULL || out->dane.base != NULL;
}

int wish_new(struct wish **out, const struct tls_outbound_wish *w, struct error *err)
{
	struct arena *a;
	struct wish *own;
	int code = arena_new(&a, WISH_MAX, ARENA_PLAIN, err);

	*out = NULL;
	if (code < 0)
		return code;
	own = arena_alloc(a, sizeof(*own));
	if (own != NULL) {
		own->arena = a;
		own->wish.version = w->version;
		own->wish.host = copy(a, w->host);
	}
	if (own == NULL || (w->host != NULL && own->wish.host == NULL) ||
	    (w->dane != NULL && !copy_dane(own, w->dane))) {
		arena_free(a);
		return error_set(err, -ENOMEM, "no memory for TLSA records");
	}
	*out = own;
	return 0;
}

void wish_free(struct wish *w)
{
	if (w != NULL)
		arena_free(w->arena);
}

const struct tls_outbound_wish *wish_lend(const struct wish *w)
{
	return &w->wish;
}
