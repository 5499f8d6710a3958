/* quota.c - what an account holds, against its limits (RFC 9208). Added up from its mailboxes each time: so there
 * is no count that could be wrong. */
#include <errno.h>

#include "storage/local/apply.h"

void account_quota(const struct account *a, struct store_quota *out)
{
	*out = (struct store_quota){ .bytes_limit = a->s->o.quota,
				     .messages_limit = a->s->o.quota_messages,
				     .mailboxes = a->mailbox_count,
				     .mailboxes_limit = a->s->o.mailbox_limit };
	for (size_t i = 0; i < a->mailbox_count; i++) {
		out->bytes += a->by_id[i]->head.size;
		out->messages += a->by_id[i]->head.exists;
	}
}

static bool fits(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit == 0 || (used <= limit && more <= limit - used);
}

int apply_quota(struct apply *ap, const struct account *a, uint64_t bytes, uint64_t messages)
{
	struct store_quota q;

	if (ap->c->kind != COMMIT_STORE || (ap->s->o.quota == 0 && ap->s->o.quota_messages == 0))
		return 0;
	account_quota(a, &q);
	if (fits(q.bytes, bytes, q.bytes_limit) && fits(q.messages, messages, q.messages_limit))
		return 0;
	commit_fail(ap->c, STORE_OVER_QUOTA, "the account has %llu bytes in %llu messages", (unsigned long long)q.bytes,
		    (unsigned long long)q.messages);
	return -ECANCELED;
}
