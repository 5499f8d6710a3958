/* https.c - the contract is in https.h.
 *
 * A transfer asks for the addresses of its host, then libcurl has it. What libcurl needs is made with
 * the first transfer and kept; the authorities are read for as long as there are transfers. */
#include "common/https/https.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/table.h"
#include "common/https/multi.h"
#include "common/https/trust.h"

enum {
	WORDS = 400,
	URL_MAX = 2048,
	TYPE_MAX = 128,
	HOST_ADDRESSES = 8, /* of each family */
	RESOLVE_MAX = DNS_NAME_MAX + 16 + 2 * HOST_ADDRESSES * (INET6_ADDRSTRLEN + 3)
};

struct transfer {
	struct https *https;
	struct transfer *next; /* of all */
	uint64_t number;
	https_done done;
	void *arg;
	uint64_t questions[2]; /* to DNS; 0: answered */
	CURL *easy;            /* NULL until it is libcurl's */
	struct curl_slist *headers, *resolve;
	bool post;
	struct buf body; /* what is sent, */
	struct buf got;  /* and what comes */
	char url[URL_MAX];
	char host[DNS_NAME_MAX];
	char port[8];
	char send_type[TYPE_MAX], got_type[TYPE_MAX];
	char addresses[RESOLVE_MAX]; /* "host:port:192.0.2.7,[2001:db8::7]" */
	size_t address_count;
	char words[WORDS];
	char curl_words[CURL_ERROR_SIZE];
};

struct https {
	uv_loop_t *loop;
	struct dns *dns;
	struct span authorities;
	X509_STORE *trust;   /* NULL while there are no transfers */
	struct multi *multi; /* NULL until there is one */
	struct transfer *transfers;
	size_t count;
	uint64_t last_number;
};

/* --- the end of a transfer ------------------------------------------------------ */

static void unlink_transfer(struct transfer *t)
{
	struct transfer **at = &t->https->transfers;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->https->count--;
}

/* Out of libcurl, out of DNS, out of the list. */
static void stop(struct transfer *t)
{
	struct https *h = t->https;

	dns_cancel(h->dns, t->questions[0]);
	dns_cancel(h->dns, t->questions[1]);
	if (t->easy != NULL) {
		multi_remove(h->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	t->easy = NULL;
	unlink_transfer(t);
	if (h->count > 0)
		return;
	X509_STORE_free(h->trust);
	h->trust = NULL;
}

static void transfer_free(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->resolve);
	buf_clear(&t->body);
	buf_clear(&t->got);
	free(t);
}

static void finish(struct transfer *t, int status, bool certificate)
{
	struct https_answer a = { .status = status,
				  .type = t->got_type,
				  .body = buf_span(&t->got),
				  .words = t->words,
				  .certificate = certificate };

	if (status == 0)
		a.body = (struct span){ NULL, 0 };
	stop(t);
	t->done(t->arg, &a);
	transfer_free(t);
}

static void fail(struct transfer *t, const char *words)
{
	snprintf(t->words, sizeof(t->words), "%s", words);
	finish(t, 0, false);
}

/* --- libcurl ---------------------------------------------------------------------- */

static const char *why(const struct transfer *t, CURLcode result)
{
	if (t->got.failed)
		return "the answer is too long";
	return t->curl_words[0] != '\0' ? t->curl_words : curl_easy_strerror(result);
}

static void on_done(void *arg, CURL *easy, CURLcode result)
{
	struct transfer *t = NULL;
	char *type = NULL;
	long status = 0;

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	if (type != NULL)
		snprintf(t->got_type, sizeof(t->got_type), "%s", type);
	t->words[0] = '\0'; /* one of its addresses may have been missing */
	if (result == CURLE_OK && status > 0) {
		finish(t, (int)status, false);
		return;
	}
	escape_text(t->words, sizeof(t->words), span_of(why(t, result)));
	finish(t, 0, result == CURLE_PEER_FAILED_VERIFICATION);
}

/* Less than all ends the transfer. */
static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	buf_put(&t->got, (struct span){ (const uint8_t *)bytes, n });
	return t->got.failed ? 0 : n;
}

static CURLcode on_context(CURL *easy, void *ctx, void *arg)
{
	const struct transfer *t = arg;

	(void)easy;
	SSL_CTX_set1_cert_store(ctx, t->https->trust);
	return CURLE_OK;
}

/* Nothing of what the environment, or a file, could say. */
static void set_narrow(CURL *c)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L); /* RFC 8461 3.3 */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "yubin");
}

static void set_trust(struct transfer *t, CURL *c)
{
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_context);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static bool set_post(struct transfer *t, CURL *c)
{
	char line[TYPE_MAX + 20];

	snprintf(line, sizeof(line), "Content-Type: %s", t->send_type);
	t->headers = curl_slist_append(NULL, line);
	if (t->headers == NULL || curl_slist_append(t->headers, "Expect:") == NULL)
		return false;
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body.n > 0 ? (const char *)t->body.p : "");
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)t->body.n);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	return true;
}

static bool set_all(struct transfer *t, CURL *c)
{
	set_narrow(c);
	set_trust(t, c);
	t->resolve = curl_slist_append(NULL, t->addresses);
	if (t->resolve == NULL || (t->post && !set_post(t, c)))
		return false;
	curl_easy_setopt(c, CURLOPT_RESOLVE, t->resolve);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_words);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)HTTPS_WAIT_MS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTPS_WAIT_MS / 2);
	return curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK;
}

static int open_trust(struct https *h)
{
	if (h->trust == NULL)
		h->trust = trust_new(h->authorities);
	return h->trust != NULL ? 0 : -ENOENT;
}

static int open_multi(struct https *h)
{
	return h->multi != NULL ? 0 : multi_new(&h->multi, h->loop, on_done, h, NULL);
}

static void start(struct transfer *t)
{
	struct https *h = t->https;
	CURL *c;

	if (open_trust(h) < 0) {
		fail(t, "no authorities are known by whom its certificate could be verified");
		return;
	}
	c = open_multi(h) == 0 ? curl_easy_init() : NULL;
	if (c != NULL && set_all(t, c) && multi_add(h->multi, c) == 0) {
		t->easy = c;
		return;
	}
	curl_easy_cleanup(c);
	fail(t, "no memory for HTTPS");
}

/* --- addresses ------------------------------------------------------------------------ */

static void add_address(struct transfer *t, const char *text)
{
	size_t n = strlen(t->addresses);
	const char *open = strchr(text, ':') != NULL ? "[" : "", *close = *open != '\0' ? "]" : "";

	snprintf(t->addresses + n, sizeof(t->addresses) - n, "%s%s%s%s", t->address_count > 0 ? "," : "",
		 open, text, close);
	t->address_count++;
}

static void take_addresses(struct transfer *t, const struct dns_answer *a, int family)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < a->count && i < HOST_ADDRESSES; i++)
		if (inet_ntop(family, a->records[i].address, text, sizeof(text)) != NULL)
			add_address(t, text);
	if (a->status != DNS_OK)
		snprintf(t->words, sizeof(t->words), "%s: %s", t->host, a->words);
	if (t->questions[0] != 0 || t->questions[1] != 0)
		return;
	if (t->address_count > 0)
		start(t);
	else
		finish(t, 0, false);
}

static void on_aaaa(void *arg, const struct dns_answer *a)
{
	struct transfer *t = arg;

	t->questions[0] = 0;
	take_addresses(t, a, AF_INET6);
}

static void on_a(void *arg, const struct dns_answer *a)
{
	struct transfer *t = arg;

	t->questions[1] = 0;
	take_addresses(t, a, AF_INET);
}

/* What is wrong was known at once, and is told now. */
static void on_invalid(void *arg, const struct dns_answer *a)
{
	struct transfer *t = arg;

	(void)a;
	t->questions[0] = 0;
	fail(t, "this is no https address with the name of a host");
}

static bool ask(struct transfer *t)
{
	struct dns *d = t->https->dns;

	if (t->host[0] == '\0') {
		t->questions[0] = dns_ask(d, "", DNS_A, on_invalid, t);
		return t->questions[0] != 0;
	}
	snprintf(t->addresses, sizeof(t->addresses), "%s:%s:", t->host, t->port);
	t->questions[0] = dns_ask(d, t->host, DNS_AAAA, on_aaaa, t);
	t->questions[1] = t->questions[0] != 0 ? dns_ask(d, t->host, DNS_A, on_a, t) : 0;
	return t->questions[1] != 0;
}

/* --- the beginning of a transfer -------------------------------------------------------- */

/* The part into out; false: none, or too long. */
static bool url_part(CURLU *u, CURLUPart part, unsigned flags, char *out, size_t size)
{
	char *text = NULL;
	bool good = curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < size;

	out[0] = '\0';
	if (good)
		snprintf(out, size, "%s", text);
	curl_free(text);
	return good;
}

/* Host and port of an https URL; an empty host if it is none. */
static void read_url(struct transfer *t)
{
	CURLU *u = curl_url();
	char scheme[8], host[DNS_NAME_MAX], address[16];
	bool good = u != NULL && curl_url_set(u, CURLUPART_URL, t->url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		    url_part(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) &&
		    strcmp(scheme, "https") == 0 && url_part(u, CURLUPART_HOST, 0, host, sizeof(host)) &&
		    url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, t->port, sizeof(t->port));

	/* An address would need no DNS, and no policy has one. */
	if (!good || inet_pton(AF_INET, host, address) == 1 || !dns_name(span_of(host), t->host) ||
	    strcasecmp(host, t->host) != 0)
		t->host[0] = '\0';
	curl_url_cleanup(u);
}

static struct transfer *transfer_new(struct https *h, const char *url, https_done done, void *arg)
{
	struct transfer *t = h->count < HTTPS_OPEN ? calloc(1, sizeof(*t)) : NULL;

	if (t == NULL)
		return NULL;
	t->https = h;
	t->done = done;
	t->arg = arg;
	t->number = ++h->last_number;
	buf_init(&t->body, SIZE_MAX);
	buf_init(&t->got, HTTPS_BODY_MAX);
	if (strlen(url) < sizeof(t->url)) {
		snprintf(t->url, sizeof(t->url), "%s", url);
		read_url(t);
	}
	t->next = h->transfers;
	h->transfers = t;
	h->count++;
	return t;
}

static uint64_t begin(struct transfer *t)
{
	if (ask(t))
		return t->number;
	stop(t);
	transfer_free(t);
	return 0;
}

uint64_t https_get(struct https *h, const char *url, https_done done, void *arg)
{
	struct transfer *t = transfer_new(h, url, done, arg);

	return t != NULL ? begin(t) : 0;
}

uint64_t https_post(struct https *h, const char *url, const char *type, struct span body, https_done done,
		    void *arg)
{
	struct transfer *t = transfer_new(h, url, done, arg);

	if (t == NULL)
		return 0;
	t->post = true;
	snprintf(t->send_type, sizeof(t->send_type), "%s", type);
	buf_put(&t->body, body);
	if (!t->body.failed)
		return begin(t);
	stop(t);
	transfer_free(t);
	return 0;
}

void https_cancel(struct https *h, uint64_t number)
{
	struct transfer *t = h->transfers;

	while (t != NULL && t->number != number)
		t = t->next;
	if (t == NULL)
		return;
	stop(t);
	transfer_free(t);
}

/* --- all of it ------------------------------------------------------------------------------ */

int https_new(struct https **out, uv_loop_t *loop, struct dns *dns, struct span authorities,
	      struct error *err)
{
	struct https *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (h == NULL)
		return error_set(err, -ENOMEM, "no memory for HTTPS");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return error_set(err, -EIO, "libcurl can't begin");
	}
	*h = (struct https){ .loop = loop, .dns = dns, .authorities = authorities };
	*out = h;
	return 0;
}

void https_free(struct https *h)
{
	if (h == NULL)
		return;
	for (struct transfer *t = h->transfers, *next; t != NULL; t = next) {
		next = t->next;
		stop(t);
		transfer_free(t);
	}
	multi_free(h->multi);
	curl_global_cleanup();
	free(h);
}
