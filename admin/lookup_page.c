/* lookup_page.c - a page over HTTPS, waited for. */
#include "admin/lookup_inside.h"

struct fetching {
	struct world *world;
	struct lookup_page *page;
	bool done;
};

static void on_page(void *arg, const struct https_answer *a)
{
	struct fetching *f = arg;
	const char *words = arena_text(f->world->arena, span_of(a->words));

	f->page->status = a->status;
	f->page->body = arena_copy(f->world->arena, a->body);
	f->page->words = words != NULL ? words : "no memory";
	f->done = true;
}

const struct lookup_page *world_page(struct lookup *l, const char *url)
{
	static const struct lookup_page none = { .words = "no memory" };
	struct world *w = (struct world *)l;
	struct fetching f = { .world = w, .page = arena_alloc(w->arena, sizeof(*f.page)) };

	if (f.page == NULL)
		return &none;
	if (w->https == NULL && https_new(&w->https, &w->loop, w->dns, buf_span(&w->authorities), NULL) != 0)
		return &none;
	f.page->words = "no memory";
	f.done = https_get(w->https, url, on_page, &f) == 0;
	while (!f.done)
		uv_run(&w->loop, UV_RUN_ONCE);
	return f.page;
}

void world_page_close(struct world *w)
{
	if (w->https != NULL)
		https_free(w->https);
}
