/* fake_web.c - the contract is in fake_web.h. */
#include "tests/unit/fake_web.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/base/clock.h"

enum { SLOTS = 64, TEXTS = 8 };

struct dns {
	int unused;
};
struct https {
	int unused;
};

struct name {
	char name[DNS_NAME_MAX];
	enum dns_status status;
	uint32_t ttl_s;
	size_t count;
	const char *texts[TEXTS];
};

struct page {
	char url[512];
	struct https_answer answer;
};

struct question {
	uint64_t number;	/* 0: none */
	char what[512];
	dns_done dns;		/* NULL: a page */
	https_done https;
	void *arg;
};

static struct {
	struct dns dns;
	struct https https;
	int64_t now_s;
	struct name names[SLOTS];
	struct page pages[SLOTS];
	size_t name_count, page_count;
	struct question questions[SLOTS];
	uint64_t numbers;
	size_t asked, fetched;
	char posted_to[512], posted_type[64];
	struct buf posted;
} web;

struct dns *fake_web_dns(void)
{
	return &web.dns;
}

struct https *fake_web_https(void)
{
	return &web.https;
}

void fake_web_reset(void)
{
	buf_clear(&web.posted);
	memset(&web, 0, sizeof(web));
	buf_init(&web.posted, 1 << 20);
	web.now_s = 1700000000;
}

void fake_web_set_now(int64_t now_s)
{
	web.now_s = now_s;
}

int64_t fake_web_now(void)
{
	return web.now_s;
}

int64_t clock_real_ms(void)
{
	return web.now_s * 1000;
}

uint64_t clock_mono_ms(void)
{
	return (uint64_t)web.now_s * 1000;
}

void clock_mail_text(char out[CLOCK_TEXT], int64_t real_s)
{
	snprintf(out, CLOCK_TEXT, "at %lld", (long long)real_s);
}

void clock_log_text(char out[CLOCK_TEXT], int64_t real_ms)
{
	snprintf(out, CLOCK_TEXT, "log %lld", (long long)real_ms);
}

void clock_utc_text(char out[CLOCK_TEXT], int64_t real_s)
{
	snprintf(out, CLOCK_TEXT, "utc %lld", (long long)real_s);
}

void fake_web_txt(const char *name, enum dns_status status, uint32_t ttl_s, const char *const *texts)
{
	size_t i = 0;

	while (i < web.name_count && strcmp(web.names[i].name, name) != 0)
		i++;
	assert_true(i < SLOTS);
	web.name_count += i == web.name_count ? 1 : 0;
	web.names[i] = (struct name){ .status = status, .ttl_s = ttl_s };
	snprintf(web.names[i].name, sizeof(web.names[i].name), "%s", name);
	for (; texts != NULL && *texts != NULL; texts++)
		web.names[i].texts[web.names[i].count++] = *texts;
}

void fake_web_page(const char *url, const struct https_answer *a)
{
	size_t i = 0;

	while (i < web.page_count && strcmp(web.pages[i].url, url) != 0)
		i++;
	assert_true(i < SLOTS);
	web.page_count += i == web.page_count ? 1 : 0;
	snprintf(web.pages[i].url, sizeof(web.pages[i].url), "%s", url);
	web.pages[i].answer = *a;
}

static uint64_t put(const char *what, dns_done dns, https_done https, void *arg)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct question *q = &web.questions[i];

		if (q->number != 0)
			continue;
		*q = (struct question){ .number = ++web.numbers, .dns = dns, .https = https, .arg = arg };
		snprintf(q->what, sizeof(q->what), "%s", what);
		return q->number;
	}
	return 0;
}

static void cancel(uint64_t number)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (web.questions[i].number == number)
			web.questions[i].number = 0;
}

uint64_t dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg)
{
	assert_ptr_equal(d, &web.dns);
	assert_int_equal(type, DNS_TXT);
	web.asked++;
	return put(name, done, NULL, arg);
}

void dns_cancel(struct dns *d, uint64_t number)
{
	assert_ptr_equal(d, &web.dns);
	cancel(number);
}

uint64_t https_get(struct https *h, const char *url, https_done done, void *arg)
{
	assert_ptr_equal(h, &web.https);
	web.fetched++;
	return put(url, NULL, done, arg);
}

uint64_t https_post(struct https *h, const char *url, const char *type, struct span body, https_done done, void *arg)
{
	snprintf(web.posted_to, sizeof(web.posted_to), "%s", url);
	snprintf(web.posted_type, sizeof(web.posted_type), "%s", type);
	buf_reset(&web.posted);
	buf_put(&web.posted, body);
	return https_get(h, url, done, arg);
}

void https_cancel(struct https *h, uint64_t number)
{
	assert_ptr_equal(h, &web.https);
	cancel(number);
}

static void dns_give(const struct question *q)
{
	struct dns_answer a = { .status = DNS_NO_NAME, .name = q->what, .ttl_s = 300, .words = "" };
	struct dns_record records[TEXTS] = { { 0 } };

	for (size_t i = 0; i < web.name_count; i++) {
		const struct name *n = &web.names[i];

		if (strcmp(n->name, q->what) != 0)
			continue;
		a.status = n->status;
		a.ttl_s = n->ttl_s;
		for (size_t j = 0; j < n->count; j++)
			records[j].text = span_of(n->texts[j]);
		a.records = records;
		a.count = n->count;
	}
	q->dns(q->arg, &a);
}

static void page_give(const struct question *q)
{
	struct https_answer a = { .type = "", .words = "no such host" };

	for (size_t i = 0; i < web.page_count; i++)
		if (strcmp(web.pages[i].url, q->what) == 0)
			a = web.pages[i].answer;
	q->https(q->arg, &a);
}

size_t fake_web_run(void)
{
	size_t done = 0, before;

	do {
		before = done;
		for (size_t i = 0; i < SLOTS; i++) {
			struct question q = web.questions[i];

			if (q.number == 0)
				continue;
			web.questions[i].number = 0;
			(q.dns != NULL ? dns_give : page_give)(&q);
			done++;
		}
	} while (done > before);
	return done;
}

size_t fake_web_asked(void)
{
	return web.asked;
}

size_t fake_web_fetched(void)
{
	return web.fetched;
}

const char *fake_web_posted_to(void)
{
	return web.posted_to;
}

const char *fake_web_posted_type(void)
{
	return web.posted_type;
}

struct span fake_web_posted(void)
{
	return buf_span(&web.posted);
}
