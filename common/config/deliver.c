/* deliver.c - the contract is in deliver.h. */
#include "common/config/deliver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/config/scope.h"

enum { SHORTEST_MS = 1000 };
static const int64_t longest_ms = 7LL * 86400 * 1000;

static struct span take_word(struct span *in)
{
	size_t n = 0;

	*in = span_trim(*in);
	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\t')
		n++;
	return span_take(in, n);
}

int deliver_times_parse(int64_t times_ms[DELIVER_TIMES], size_t *count, struct span text, struct error *err)
{
	char shown[40];

	*count = 0;
	for (struct span word = take_word(&text); word.n > 0; word = take_word(&text)) {
		int64_t ms;

		if (*count == DELIVER_TIMES)
			return error_set(err, -EINVAL, "%d times at most", DELIVER_TIMES);
		if (!config_value_number(CONFIG_TYPE_TIME, word, &ms) || ms < SHORTEST_MS || ms > longest_ms)
			return error_set(err, -EINVAL, "\"%s\" is no time from 1s to 7d (5m 15m 1h)",
					 escape_text(shown, sizeof(shown), word));
		times_ms[(*count)++] = ms;
	}
	return *count > 0 ? 0 : error_set(err, -EINVAL, "at least one time must stand here (5m 15m 1h)");
}

int deliver_bind_parse(char out[INET6_ADDRSTRLEN], bool *v6, struct span text, struct error *err)
{
	unsigned char bytes[16];
	char shown[80];

	*v6 = span_find(text, ':') >= 0;
	if (text.n > 0 && text.n < INET6_ADDRSTRLEN) {
		memcpy(out, text.p, text.n);
		out[text.n] = '\0';
		if (inet_pton(*v6 ? AF_INET6 : AF_INET, out, bytes) == 1) {
			inet_ntop(*v6 ? AF_INET6 : AF_INET, bytes, out, INET6_ADDRSTRLEN);
			return 0;
		}
	}
	return error_set(err, -EINVAL, "\"%s\" is no address", escape_text(shown, sizeof(shown), text));
}

/* Takes ":PORT" off the end, and the brackets of an IPv6 address. False: the port is none. */
static bool take_port(struct span *text)
{
	ptrdiff_t colon = span_find(*text, ':');
	struct span port;
	uint64_t n;

	if (text->n > 1 && text->p[0] == '[') {
		ptrdiff_t end = span_find(*text, ']');

		if (end < 0 || (size_t)end + 2 > text->n || text->p[end + 1] != ':')
			return false;
		port = (struct span){ text->p + end + 2, text->n - (size_t)end - 2 };
		*text = (struct span){ text->p + 1, (size_t)end - 1 };
	} else {
		if (colon < 0 || memchr(text->p + colon + 1, ':', text->n - (size_t)colon - 1) != NULL)
			return true;	/* no port: IPv4, or IPv6 */
		port = (struct span){ text->p + colon + 1, text->n - (size_t)colon - 1 };
		text->n = (size_t)colon;
	}
	return span_number(port, 65535, &n) && n > 0;
}

int deliver_resolver_parse(struct span text, struct error *err)
{
	char host[INET6_ADDRSTRLEN], shown[80];
	struct span address = text;
	bool v6;

	if (span_is(text, "root") || (take_port(&address) && deliver_bind_parse(host, &v6, address, NULL) == 0))
		return 0;
	return error_set(err, -EINVAL, "\"%s\" is neither ADDRESS nor ADDRESS:PORT nor root",
			 escape_text(shown, sizeof(shown), text));
}

static int check_binds(const struct config_scope *s, struct error *err)
{
	bool there[2] = { false, false };
	char host[INET6_ADDRSTRLEN];
	const char *text;

	for (size_t i = 0; (text = config_item(s, CONFIG_BIND_ADDRESS, i)) != NULL; i++) {
		bool v6;
		int rc = deliver_bind_parse(host, &v6, span_of(text), err);

		if (rc < 0)
			return rc;
		if (there[v6])
			return error_set(err, -EINVAL, "one IPv4 and one IPv6 address at most");
		there[v6] = true;
	}
	return 0;
}

int deliver_check(const struct config_scope *s, enum config_key *key, struct error *err)
{
	int64_t times[DELIVER_TIMES];
	const char *text;
	size_t count;
	int rc;

	*key = CONFIG_RETRY_TIMES;
	rc = deliver_times_parse(times, &count, span_of(config_text(s, CONFIG_RETRY_TIMES)), err);
	if (rc == 0) {
		*key = CONFIG_BIND_ADDRESS;
		rc = check_binds(s, err);
	}
	for (size_t i = 0; rc == 0 && (text = config_item(s, CONFIG_RESOLVER, i)) != NULL; i++) {
		*key = CONFIG_RESOLVER;
		rc = deliver_resolver_parse(span_of(text), err);
	}
	return rc;
}
