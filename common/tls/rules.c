/* rules.c - the contract is in rules.h: reading and comparing. Writing is rules_write.c. */
#include "common/tls/rules.h"

#include <stdio.h>

static const char *const verify_words[] = {
	[TLS_VERIFY_NO] = "no",
	[TLS_VERIFY_OPTIONAL] = "optional",
	[TLS_VERIFY_REQUIRE] = "require",
};

bool tls_rules_read(struct tls_rules *out, struct span line)
{
	uint64_t versions;
	struct span word;

	if (!span_is(span_take_until(&line, ' '), "rules"))
		return false;
	out->listen = span_take_until(&line, ' ');
	if (out->listen.n == 0 || !span_number(span_take_until(&line, ' '), (TLS_1_3 << 1) - 1, &versions))
		return false;
	out->versions = (unsigned)versions;
	word = span_take_until(&line, ' ');
	out->verify = TLS_VERIFY_NO;
	while (out->verify <= TLS_VERIFY_REQUIRE && !span_is(word, verify_words[out->verify]))
		out->verify++;
	out->authorities = span_take_until(&line, ' ');
	out->ciphers = line;
	return out->verify <= TLS_VERIFY_REQUIRE && out->authorities.n > 0 && span_find(line, ' ') < 0;
}

static bool has(struct span list, struct span name)
{
	while (list.n > 0)
		if (span_equal(span_take_until(&list, ':'), name))
			return true;
	return false;
}

void tls_rules_lost(struct span a, struct span b, char *out, size_t size)
{
	size_t used = 0, more = 0;

	*out = '\0';
	while (a.n > 0) {
		struct span name = span_take_until(&a, ':');

		if (name.n == 0 || has(b, name))
			continue;
		if (more > 0 || used + name.n + 24 > size)
			more++;
		else
			used += (size_t)snprintf(out + used, size - used, "%s%.*s", used > 0 ? ", " : "",
						 (int)name.n, (const char *)name.p);
	}
	if (more > 0)
		snprintf(out + used, size - used, " and %zu more", more);
}
