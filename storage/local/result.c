/* result.c - the contract is in result.h. */
#include "storage/local/result.h"

static void put_set(struct buf *out, const struct ranges *r)
{
	uint32_t before = 0;

	value_put(out, r->count);
	for (size_t i = 0; i < r->count; i++) {
		value_put(out, r->at[i].first - before);
		value_put(out, r->at[i].last - r->at[i].first);
		before = r->at[i].last;
	}
}

static bool take_set(struct span *in, struct ranges *r)
{
	uint64_t count, gap, more, before = 0;

	if (!value_take(in, in->n, &count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!value_take(in, UINT32_MAX, &gap) || !value_take(in, UINT32_MAX, &more) ||
		    before + gap + more > UINT32_MAX)
			return false;
		ranges_push(r, (uint32_t)(before + gap), (uint32_t)(before + gap + more));
		before += gap + more;
	}
	return !r->failed;
}

/* One that is ended after a crash answers for the store_commit that it was. */
static size_t result_count(const struct commit *c)
{
	return c->kind == COMMIT_STORE || (c->kind == COMMIT_INNER && c->begun) ? c->step_count : 0;
}

void result_encode(const struct commit *c, struct buf *out)
{
	size_t count = result_count(c);

	value_put(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct step *step = &c->steps[i];

		value_put(out, step->r.mailbox);
		value_put(out, step->r.uidvalidity);
		value_put(out, step->r.modseq);
		put_set(out, &step->from);
		put_set(out, &step->to);
		put_set(out, &step->skipped);
	}
}

bool result_decode(struct commit *c, struct span in)
{
	uint64_t count, uidvalidity;

	if (!value_take(&in, STORE_RECIPIENTS, &count) || count != result_count(c))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct step *step = &c->steps[i];

		if (!value_take(&in, UINT64_MAX, &step->r.mailbox) ||
		    !value_take(&in, UINT32_MAX, &uidvalidity) ||
		    !value_take(&in, UINT64_MAX, &step->r.modseq) || !take_set(&in, &step->from) ||
		    !take_set(&in, &step->to) || !take_set(&in, &step->skipped))
			return false;
		step->r.uidvalidity = (uint32_t)uidvalidity;
	}
	return true;
}
