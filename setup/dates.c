/* dates.c - the contract is in dates.h. */
#include "setup/dates.h"

#include "setup/inside.h"

enum { DAY_S = 86400 };

struct look {
	const struct named *file;
	int64_t now_s;
	size_t count;		/* papers of the file that were met */
	dates_tell tell;
	void *arg;
};

/* Whole days, rounded down: what ends in an hour has 0 left, what ended an hour ago -1. */
static int days_between(int64_t now_s, int64_t end_s)
{
	int64_t left_s = end_s - now_s;

	return (int)(left_s >= 0 ? left_s / DAY_S : -((-left_s + DAY_S - 1) / DAY_S));
}

static void on_paper(void *arg, const struct tls_paper *paper)
{
	int limit = paper->kind == TLS_PAPER_CRL ? DATES_CRL_DAYS : DATES_CERTIFICATE_DAYS;
	struct look *l = arg;
	struct dates_news news = {
		.file = l->file->name, .key = l->file->key, .paper = paper, .first = l->count++ == 0
	};

	if (paper->ends_s >= l->now_s + (int64_t)limit * DAY_S)
		return;
	news.days_left = days_between(l->now_s, paper->ends_s);
	l->tell(l->arg, &news);
}

/* Authorities that somebody else publishes end without anybody's doing. */
static bool is_ours(const struct named *n)
{
	return n->kind == NAMED_WRITTEN && n->key != CONFIG_PRIVATE_KEY && n->key != CONFIG_OCSP_STAPLE &&
	       n->key != CONFIG_HTTPS_CA && n->key != CONFIG_TRUST_ANCHOR;
}

void setup_dates(const struct setup *s, int64_t now_s, dates_tell tell, void *arg)
{
	for (size_t i = 0; i < s->file_count; i++) {
		struct look l = { .file = s->files[i], .now_s = now_s, .tell = tell, .arg = arg };

		if (is_ours(l.file))
			tls_papers(buf_span(&l.file->text), on_paper, &l);
	}
}
