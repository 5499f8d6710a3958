/* destination_way.c - which hosts a destination has, and what its owner says of TLS: looked for once. */
#include <stdlib.h>
#include <string.h>

#include "deliverd/destination.h"
#include "deliverd/sts.h"

enum { WAY_S_MAX = 3600 };

static void drop_sts(struct destination *dest)
{
	sts_policy_drop(dest->sts);
	dest->sts = NULL;
	dest->sts_cause = NULL;
	dest->sts_known = false;
}

void destination_forget_way(struct destination *dest)
{
	way_cancel(dest->search);
	dest->search = NULL;
	if (dest->sts_number != 0)
		sts_cancel(dest->d->sts, dest->sts_number);
	dest->sts_number = 0;
	drop_sts(dest);
	dest->way_known = false;
	if (dest->hosts_given)
		return;
	free(dest->hosts);
	dest->hosts = NULL;
	dest->host_count = 0;
}

bool destination_looks(const struct destination *dest)
{
	return dest->search != NULL || dest->sts_number != 0;
}

static bool keep_hosts(struct destination *dest, const struct way_answer *a)
{
	struct destination_host *hosts = calloc(a->count > 0 ? a->count : 1, sizeof(*hosts));

	if (hosts == NULL)
		return false;
	for (size_t i = 0; i < a->count; i++)
		hosts[i].host = a->hosts[i];
	free(dest->hosts);
	dest->hosts = hosts;
	dest->host_count = a->count;
	return true;
}

static void found(void *arg, const struct way_answer *a)
{
	struct destination *dest = arg;
	struct span none = { NULL, 0 };
	uint32_t ttl = a->ttl_s < DESTINATION_WAY_S ? DESTINATION_WAY_S : a->ttl_s;

	dest->search = NULL;
	if (a->fate == WAY_NEVER) {
		destination_refuse(dest, span_of(a->status), span_of(a->words), none);
	} else if (a->fate == WAY_LATER) {
		destination_fail(dest, span_of(a->status), span_of(a->words), none);
	} else if (!keep_hosts(dest, a)) {
		destination_fail(dest, span_of("4.3.0"), span_of("no memory for the hosts"), none);
	} else {
		dest->mx = a->mx;
		dest->way_known = true;
		dest->way_until_ms = uv_now(dest->d->loop) + (ttl < WAY_S_MAX ? ttl : WAY_S_MAX) * 1000ull;
	}
	destination_run(dest);
}

/* RFC 8461 5: what the domain's owner asks for, before the first host is tried. */
static void got_policy(void *arg, const struct sts_answer *a)
{
	struct destination *dest = arg;

	dest->sts_number = 0;
	dest->sts_known = true;
	dest->sts = a->policy != NULL ? sts_policy_hold(a->policy) : NULL;
	dest->sts_cause = sts_cause(a->trouble);
	destination_run(dest);
}

/* MTA-STS is about the hosts of MX records. */
static bool wants_policy(const struct destination *dest)
{
	return !dest->hosts_given && dest->word != WORD_OFF && dest->d->sts != NULL && dest->domain[0] != '[';
}

bool destination_look(struct destination *dest)
{
	uint16_t port = dest->conf->port;

	/* those that open go by the hosts that they began with */
	if (dest->way_known && uv_now(dest->d->loop) >= dest->way_until_ms && dest->opening == 0 && !dest->hosts_given)
		destination_forget_way(dest);
	if (dest->hosts_given)
		dest->way_known = true;
	if (!dest->way_known && dest->search == NULL) {
		dest->search = way_find(dest->d->dns, &dest->conf->self, dest->domain, port, found, dest);
		if (dest->search == NULL)
			destination_fail(dest, span_of("4.3.0"), span_of("no memory for a question to DNS"),
					 (struct span){ NULL, 0 });
	}
	if (wants_policy(dest) && !dest->sts_known && dest->sts_number == 0) {
		dest->sts_number = sts_ask(dest->d->sts, dest->domain, got_policy, dest);
		dest->sts_known = dest->sts_number == 0;
	}
	return dest->way_known && !destination_looks(dest);
}
