/* quota.c - what an account holds, against its limits (RFC 9208). Added up from its mailboxes each time: so there
 * is no count that could be wrong. */
#include <errno.h>

#include "common/base/log.h"
#include "storage/local/apply.h"
#include "storage/local/queue.h"

enum { NEARLY = 90 }; /* per cent of a limit */

static uint64_t bytes_limit(const struct account *a)
{
	if (a->quota == STORE_QUOTA_UNTOLD || a->quota == STORE_QUOTA_SITE)
		return a->s->o.quota;
	return a->quota == STORE_QUOTA_NONE ? 0 : a->quota;
}

static uint64_t messages_limit(const struct account *a)
{
	return a->quota == STORE_QUOTA_NONE ? 0 : a->s->o.quota_messages;
}

void account_tell_quota(struct account *a, uint64_t quota)
{
	if (quota != STORE_QUOTA_UNTOLD)
		a->quota = quota;
}

bool account_is_limited(const struct account *a)
{
	return bytes_limit(a) != 0 || messages_limit(a) != 0;
}

void account_quota(const struct account *a, struct store_quota *out)
{
	*out = (struct store_quota){ .bytes_limit = bytes_limit(a),
				     .messages_limit = messages_limit(a),
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

static bool all_fits(const struct store_quota *q, uint64_t bytes, uint64_t messages)
{
	return fits(q->bytes, bytes, q->bytes_limit) && fits(q->messages, messages, q->messages_limit);
}

bool account_has_room(const struct account *a, uint64_t bytes, uint64_t messages)
{
	struct store_quota q;

	if (!account_is_limited(a))
		return true;
	account_quota(a, &q);
	return all_fits(&q, bytes, messages);
}

/* What the account holds; the first time in a commit it is noted. */
static void measure(struct apply *ap, struct step *step, struct store_quota *q)
{
	account_quota(step->account, q);
	for (const struct step *other = ap->c->steps; other < step; other++)
		if (other->account == step->account && other->measured)
			return;
	if (step->measured)
		return;
	step->measured = true;
	step->held = *q;
}

static int too_full(struct apply *ap, const struct store_quota *q)
{
	commit_fail(ap->c, STORE_OVER_QUOTA, "the account has %llu bytes in %llu messages", (unsigned long long)q->bytes,
		    (unsigned long long)q->messages);
	return -ECANCELED;
}

int apply_quota(struct apply *ap, struct step *step, uint64_t bytes, uint64_t messages)
{
	struct store_quota q;

	if (ap->c->kind != COMMIT_STORE || !account_is_limited(step->account))
		return 0;
	measure(ap, step, &q);
	return all_fits(&q, bytes, messages) ? 0 : too_full(ap, &q);
}

int apply_delivery_quota(struct apply *ap)
{
	struct commit *c = ap->c;
	bool elsewhere = c->queue != NULL && c->queue->letter != NULL;
	struct store_quota q;
	size_t full = 0;

	if (c->kind != COMMIT_DELIVER)
		return 0;
	for (size_t i = 0; i < c->step_count; i++) {
		struct step *step = &c->steps[i];

		if (step->kind == STEP_META || !account_is_limited(step->account))
			continue;
		measure(ap, step, &q);
		full += step->limited && !all_fits(&q, step->message.r.size, 1);
	}
	return full > 0 && full == c->step_count && !elsewhere ? too_full(ap, &q) : 0;
}

/* RFC 9208 5.1 */
static bool crosses(uint64_t before, uint64_t after, uint64_t limit)
{
	uint64_t mark = limit / 100 * NEARLY + limit % 100 * NEARLY / 100;

	return limit != 0 && before < mark && after >= mark;
}

void quota_watch(const struct step *step)
{
	const struct store_quota *before = &step->held;
	struct store_quota q;

	if (!step->measured)
		return;
	account_quota(step->account, &q);
	if (crosses(before->bytes, q.bytes, q.bytes_limit) || crosses(before->messages, q.messages, q.messages_limit))
		log_warn("store account nearly full account=%s bytes=%llu limit=%llu messages=%llu limit=%llu",
			 step->account->name, (unsigned long long)q.bytes, (unsigned long long)q.bytes_limit,
			 (unsigned long long)q.messages, (unsigned long long)q.messages_limit);
}
