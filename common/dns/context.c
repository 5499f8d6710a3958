/* context.c - the contract is in context.h. */
#include "common/dns/context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/log.h"

enum { ANCHOR_MAX = 4096, SERVER_MAX = 80 };

/* clang-format off */
/* RFC 4035 5: every answer is held against the anchors. */
static const char *const options[][2] = {
	{ "module-config:",          "validator iterator" },
	{ "verbosity:",              "0" },
	/* A resolver on this host is the usual one. */
	{ "do-not-query-localhost:", "no" },
	{ "qname-minimisation:",     "yes" }, /* RFC 9156 2 */
	/* Small enough for any path without fragments. */
	{ "edns-buffer-size:",       "1232" },
	{ "minimal-responses:",      "yes" },
	{ "harden-glue:",            "yes" },
	{ "harden-dnssec-stripped:", "yes" },
	{ "harden-below-nxdomain:",  "yes" },
	{ "aggressive-nsec:",        "yes" },
	{ "prefetch:",               "no" },
	{ "serve-expired:",          "no" },
	/* Mail is tried again after minutes: what was not there may be there then. */
	{ "cache-max-ttl:",          "3600" },
	{ "cache-max-negative-ttl:", "60" },
	{ "infra-host-ttl:",         "60" },
	{ "infra-keep-probing:",     "yes" },
	/* Names of one's own network are the resolver's to answer. */
	{ "unblock-lan-zones:",      "yes" },
	{ "insecure-lan-zones:",     "yes" },
	/* RFC 6761 6.2; "internal" is kept for private use: nothing above them vouches for either. */
	{ "domain-insecure:",        "test." },
	{ "domain-insecure:",        "internal." },
	/* Questions under way, to strangers or forwarders; each has a socket while it waits. */
	{ "outgoing-range:",         "256" },
	{ "num-queries-per-thread:", "8192" },
	{ "outgoing-num-tcp:",       "10" },
	/* An answer's size at most; each of those connections has such a buffer. */
	{ "msg-buffer-size:",        "32768" },
	{ "msg-cache-size:",         "256k" },
	{ "rrset-cache-size:",       "512k" },
	{ "key-cache-size:",         "128k" },
	{ "neg-cache-size:",         "64k" },
	{ "infra-cache-numhosts:",   "1000" },
	{ "msg-cache-slabs:",        "1" },
	{ "rrset-cache-slabs:",      "1" },
	{ "key-cache-slabs:",        "1" },
	{ "infra-cache-slabs:",      "1" },
};

/* The root's keys of 2017 and 2024, by their digests (data.iana.org/root-anchors). */
static const char root_anchors[] =
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

/* Those that libunbound answers itself, though a network's own resolver may know better. */
static const char *const unblocked[] = { "test.", "home.arpa." };
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- what it says in passing ------------------------------------------------ */

/* "[1700000000] libunbound[12:0] error: words" becomes a line of our log. Information is for others:
 * every answer has its words. */
static ssize_t said(void *cookie, const char *text, size_t n)
{
	struct span in = { (const uint8_t *)text, n };
	char words[400];

	(void)cookie;
	while (in.n > 0) {
		struct span line = span_take_until(&in, '\n');
		ptrdiff_t end = -1;

		for (unsigned i = 0; i < 2 && (end = span_find(line, ']')) >= 0; i++)
			span_take(&line, (size_t)end + 1);
		line = span_trim(line);
		if (end < 0 || (!span_starts(line, "error") && !span_starts(line, "fatal")))
			continue;
		log_warn("resolver says words=\"%s\"", escape_text(words, sizeof(words), line));
	}
	return (ssize_t)n;
}

/* libunbound holds one such file for all of the process. */
static FILE *said_file(void)
{
	static FILE *file;

	if (file == NULL)
		file = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = said });
	if (file != NULL)
		setvbuf(file, NULL, _IOLBF, 1024);
	return file;
}

/* --- options ---------------------------------------------------------------- */

static int set_option(struct ub_ctx *c, const char *name, const char *value, struct error *err)
{
	int code = ub_ctx_set_option(c, name, value);

	return code == 0
		   ? 0
		   : error_set(err, -EINVAL, "libunbound takes no %s %s: %s", name, value, ub_strerror(code));
}

static int set_options(struct ub_ctx *c, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < COUNT(options) && code == 0; i++)
		code = set_option(c, options[i][0], options[i][1], err);
	return code;
}

/* --- anchors ---------------------------------------------------------------- */

static bool is_anchor_line(struct span line)
{
	return line.n > 0 && line.p[0] != ';' && line.p[0] != '#';
}

static int add_anchor(struct ub_ctx *c, struct span line, struct error *err)
{
	char text[ANCHOR_MAX];

	if (line.n >= sizeof(text))
		return error_set(err, -EINVAL, "a trust anchor's line is longer than %d bytes",
				 ANCHOR_MAX);
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	return ub_ctx_add_ta(c, text) == 0 ? 0 : error_set(err, -ENOMEM, "no memory for trust anchors");
}

static int add_anchors(struct ub_ctx *c, struct span text, struct error *err)
{
	int code = 0;

	if (span_trim(text).n == 0)
		text = span_of(root_anchors);
	while (text.n > 0 && code == 0) {
		struct span line = span_take_until(&text, '\n');

		line = span_take_until(&line, '\r');
		line = span_trim(span_take_until(&line, ';'));
		if (is_anchor_line(line))
			code = add_anchor(c, line, err);
	}
	return code;
}

/* --- servers ---------------------------------------------------------------- */

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT" as "ADDRESS@PORT". */
static bool read_server(const char *text, char out[SERVER_MAX])
{
	struct span in = span_of(text), host, port = { NULL, 0 };
	uint64_t number = 53;

	if (in.n > 0 && in.p[0] == '[') {
		span_take(&in, 1);
		host = span_take_until(&in, ']');
		if (in.n > 0 && *span_take(&in, 1).p != ':')
			return false;
		port = in;
	} else if (strchr(text, ':') == strrchr(text, ':')) {
		host = span_take_until(&in, ':');
		port = in;
	} else {
		host = in;
	}
	if (host.n == 0 || host.n > 50 || (port.n > 0 && !span_number(port, 65535, &number)) || number == 0)
		return false;
	snprintf(out, SERVER_MAX, "%.*s@%u", (int)host.n, (const char *)host.p, (unsigned)number);
	return true;
}

static int add_servers(struct ub_ctx *c, const struct dns_options *o, struct error *err)
{
	char server[SERVER_MAX];

	for (size_t i = 0; i < o->server_count; i++) {
		if (!read_server(o->servers[i], server) || ub_ctx_set_fwd(c, server) != 0)
			return error_set(err, -EINVAL, "%s is no resolver's address, nor ADDRESS:PORT",
					 o->servers[i]);
	}
	return 0;
}

/* The root's servers have both kinds of address: those that no packet can go to only cost time. */
static bool has_ipv6(void)
{
	struct sockaddr_in6 root = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has;

	inet_pton(AF_INET6, "2001:503:ba3e::2:30", &root.sin6_addr);
	has = fd >= 0 && connect(fd, (const struct sockaddr *)&root, sizeof(root)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

/* --- all of it -------------------------------------------------------------- */

static void ignore(void *arg, int rcode, void *packet, int size, int security, char *why, int limited)
{
	(void)arg;
	(void)rcode;
	(void)packet;
	(void)size;
	(void)security;
	(void)why;
	(void)limited;
}

/* The first question makes everything; this one is answered at once, without asking anybody. */
static int finish(struct ub_ctx *c, struct error *err)
{
	int code = ub_resolve_event(c, "localhost.", DNS_A, 1, NULL, ignore, NULL);

	for (size_t i = 0; i < COUNT(unblocked) && code == 0; i++)
		code = ub_ctx_zone_remove(c, unblocked[i]);
	if (code != 0)
		return error_set(err, -EINVAL,
				 "libunbound can't begin (%s): are the trust anchors DS or DNSKEY lines?",
				 ub_strerror(code));
	return 0;
}

int context_new(struct ub_ctx **out, struct events *e, const struct dns_options *o, enum context_plan plan,
		struct error *err)
{
	bool root = plan == CONTEXT_ROOT || o->server_count == 0;
	struct ub_ctx *c = ub_ctx_create_ub_event(&e->base);
	FILE *log = said_file();
	int code;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for a resolver");
	if (log != NULL)
		ub_ctx_debugout(c, log);
	code = set_options(c, err);
	if (code == 0 && plan == CONTEXT_BELIEVE)
		code = set_option(c, "module-config:", "iterator", err);
	if (code == 0 && root)
		code = set_option(c, "do-ip6:", has_ipv6() ? "yes" : "no", err);
	if (code == 0)
		code = add_anchors(c, o->anchors, err);
	if (code == 0 && !root)
		code = add_servers(c, o, err);
	if (code == 0)
		code = finish(c, err);
	if (code == 0)
		*out = c;
	else
		ub_ctx_delete(c);
	return code;
}
