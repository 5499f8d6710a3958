/* conn_client.c - whom a client's certificate may log in, by the key ClientNames; the
 * contract is in conn.h. */
#include <string.h>

#include "common/net/conn.h"

/* The key lists kind ("email"). */
static bool is_taken(const struct conn *c, struct span kind)
{
	struct span list = span_of(config_text(conn_config(c), CONFIG_CLIENT_NAMES));

	while (list.n > 0)
		if (span_equal_nocase(span_trim(span_take_until(&list, ',')), kind))
			return true;
	return false;
}

const char *conn_client_bound(const struct conn *c)
{
	return is_taken(c, span_of("fingerprint")) ? conn_client_fingerprint(c) : "";
}

const char *conn_client_names(const struct conn *c, char *out)
{
	const struct tls_facts *f = conn_tls(c);
	bool good = f != NULL && strcmp(f->client_verify, "ok") == 0;
	struct span names = span_of(good ? f->client_names : "");
	size_t used = 0;

	while (names.n > 0) {
		struct span line = span_take_until(&names, '\n'), rest = line;
		struct span kind = span_take_until(&rest, ':');

		if (rest.n == 0 || !is_taken(c, kind) || used + line.n + 2 > CONN_NAMES)
			continue;
		if (used > 0)
			out[used++] = '\n';
		memcpy(out + used, line.p, line.n);
		used += line.n;
	}
	out[used] = '\0';
	return out;
}

bool conn_client_known(const struct conn *c)
{
	char names[CONN_NAMES];

	return *conn_client_bound(c) != '\0' || *conn_client_names(c, names) != '\0';
}
