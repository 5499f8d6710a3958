/* references.c - the contract is in references.h. */
#include "imapd/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mime/msgid.h"

#define NONE THREAD_NONE

/* Beside each node of the forest. */
struct link {
	uint32_t up;		/* the parent by references */
	uint32_t top;		/* union-find: leads to the topmost parent */
	uint32_t message;	/* NONE: nobody has the id */
	uint32_t under;		/* where it hangs in the end; NONE: a root */
	uint32_t children;	/* of one that nobody is: messages that hang on it */
	uint32_t first;		/* the earliest of them */
	bool hung;
};

struct message {
	int64_t sent_s;
	uint32_t node;
	uint32_t refs, ref_count;	/* in r->refs */
	uint32_t subject, subject_n;	/* in r->texts */
	bool reply;
};

enum phase { OWN, OTHERS, ORDER, PLACE, ROOTS, SUBJECTS, GATHER, HANG, DONE };

struct references {
	struct thread_forest forest;
	struct link *links;
	size_t link_cap;
	struct table *ids;		/* id -> number of its node + 1 */
	struct buf messages, refs, texts, id, roots;
	size_t n;			/* messages */
	enum phase phase;
	size_t at;
	struct merge by_date, by_subject;
};

int references_new(struct references **out)
{
	struct references *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL || table_new(&r->ids, NULL) != 0) {
		free(r);
		return -ENOMEM;
	}
	thread_init(&r->forest);
	buf_init(&r->messages, (size_t)REFERENCES_NODES * sizeof(struct message));
	buf_init(&r->refs, 64 << 20);
	buf_init(&r->texts, 64 << 20);
	buf_init(&r->roots, (size_t)REFERENCES_NODES * sizeof(uint32_t));
	buf_init(&r->id, REFERENCES_ID);
	*out = r;
	return 0;
}

void references_free(struct references *r)
{
	if (r == NULL)
		return;
	thread_clear(&r->forest);
	table_free(r->ids);
	merge_clear(&r->by_date);
	merge_clear(&r->by_subject);
	buf_clear(&r->messages);
	buf_clear(&r->refs);
	buf_clear(&r->texts);
	buf_clear(&r->roots);
	buf_clear(&r->id);
	free(r->links);
	free(r);
}

const struct thread_forest *references_forest(const struct references *r)
{
	return &r->forest;
}

static struct message *message_at(const struct references *r, size_t i)
{
	return (struct message *)(void *)r->messages.p + i;
}

/* --- adding ---------------------------------------------------------------- */

static uint32_t new_node(struct references *r, uint32_t uid)
{
	uint32_t node;

	if (r->forest.n >= REFERENCES_NODES)
		return NONE;
	if (r->forest.n == r->link_cap) {
		size_t cap = r->link_cap > 0 ? 2 * r->link_cap : 64;
		struct link *links = realloc(r->links, cap * sizeof(*links));

		if (links == NULL)
			return NONE;
		r->links = links;
		r->link_cap = cap;
	}
	node = thread_add(&r->forest, uid);
	if (node != NONE)
		r->links[node] = (struct link){ .up = NONE, .top = node, .message = NONE, .under = NONE, .first = NONE };
	return node;
}

/* The node of the id in r->id. */
static uint32_t node_of_id(struct references *r)
{
	uintptr_t known = (uintptr_t)table_get(r->ids, buf_span(&r->id));
	uint32_t node;

	if (known != 0)
		return (uint32_t)(known - 1);
	node = new_node(r, 0);
	if (node == NONE || table_put(r->ids, buf_span(&r->id), (void *)((uintptr_t)node + 1)) != 0)
		return NONE;
	return node;
}

/* A message without an id, or with one that an earlier message has, is known to nobody. */
static uint32_t node_of_message(struct references *r, const struct references_message *m)
{
	struct span in = m->id;
	uint32_t node = NONE;

	if (mime_msgid_next(&in, &r->id)) {
		node = node_of_id(r);
		if (node == NONE)
			return NONE;
	}
	if (node == NONE || r->links[node].message != NONE)
		return new_node(r, m->uid);
	r->forest.nodes[node].uid = m->uid;
	return node;
}

static int add_refs(struct references *r, struct message *to, struct span in, uint32_t most)
{
	while (mime_msgid_next(&in, &r->id)) {
		uint32_t node = node_of_id(r);

		if (node == NONE)
			return -ENOMEM;
		if (to->ref_count == most) {
			r->refs.n -= sizeof(node);	/* the parent is the last */
			to->ref_count--;
		}
		buf_put(&r->refs, (struct span){ (const uint8_t *)&node, sizeof(node) });
		to->ref_count++;
		if (most == 1)
			break;
	}
	return r->refs.failed ? -ENOMEM : 0;
}

int references_add(struct references *r, const struct references_message *m)
{
	struct message to = { .sent_s = m->sent_s, .reply = m->reply, .refs = (uint32_t)(r->refs.n / sizeof(uint32_t)),
			      .subject = (uint32_t)r->texts.n, .subject_n = (uint32_t)m->subject.n };

	to.node = node_of_message(r, m);
	if (to.node == NONE || add_refs(r, &to, m->references, REFERENCES_EACH) != 0)
		return -ENOMEM;
	if (to.ref_count == 0 && add_refs(r, &to, m->in_reply_to, 1) != 0)
		return -ENOMEM;
	r->links[to.node].message = (uint32_t)r->n++;
	buf_put(&r->texts, m->subject);
	buf_put(&r->messages, (struct span){ (const uint8_t *)&to, sizeof(to) });
	return r->texts.failed || r->messages.failed ? -ENOMEM : 0;
}

/* --- parents (1) ----------------------------------------------------------- */

static uint32_t topmost(struct references *r, uint32_t node)
{
	while (r->links[node].top != node) {
		r->links[node].top = r->links[r->links[node].top].top;
		node = r->links[node].top;
	}
	return node;
}

/* child is a topmost one. */
static void set_parent(struct references *r, uint32_t parent, uint32_t child)
{
	if (topmost(r, parent) == child)
		return;		/* a loop */
	r->links[child].up = r->links[child].top = parent;
}

static uint32_t ref_at(const struct references *r, const struct message *m, uint32_t i)
{
	uint32_t node;

	memcpy(&node, r->refs.p + (m->refs + i) * sizeof(node), sizeof(node));
	return node;
}

static void link_own(struct references *r, const struct message *m)
{
	if (m->ref_count > 0)
		set_parent(r, ref_at(r, m, m->ref_count - 1), m->node);
}

/* Of a message only earlier than this one, and only if it says nothing itself: (B) would undo it. */
static bool may_guess(const struct references *r, uint32_t node, size_t now)
{
	uint32_t message = r->links[node].message;

	if (r->links[node].up != NONE)
		return false;
	return message == NONE || (message < now && message_at(r, message)->ref_count == 0);
}

static void link_others(struct references *r, const struct message *m, size_t now)
{
	for (uint32_t i = 1; i < m->ref_count; i++)
		if (may_guess(r, ref_at(r, m, i), now))
			set_parent(r, ref_at(r, m, i - 1), ref_at(r, m, i));
}

/* --- what stands for nobody (2), (3) --------------------------------------- */

static int compare_dates(const void *arg, uint32_t a, uint32_t b)
{
	const struct references *r = arg;
	int64_t x = message_at(r, a)->sent_s, y = message_at(r, b)->sent_s;

	return (x > y) - (x < y);
}

/* The next message above, else the topmost that nobody is; the ways there are made short. */
static uint32_t above(struct references *r, uint32_t node)
{
	uint32_t end = r->links[node].up, i = end;

	while (end != NONE && r->links[end].message == NONE && r->links[end].up != NONE)
		end = r->links[end].up;
	while (i != NONE && i != end && r->links[i].message == NONE) {
		uint32_t next = r->links[i].up;

		r->links[i].up = end;
		i = next;
	}
	return end;
}

/* By date: so first is the earliest. */
static void place(struct references *r, const struct message *m)
{
	uint32_t end = above(r, m->node);

	r->links[m->node].under = end;
	if (end == NONE || r->links[end].message != NONE)
		return;
	if (r->links[end].children++ == 0)
		r->links[end].first = m->node;
}

static void note_root(struct references *r, const struct message *m)
{
	uint32_t under = r->links[m->node].under, root = m->node;

	if (under != NONE) {
		if (r->links[under].message != NONE || r->links[under].first != m->node)
			return;
		root = under;
		if (r->links[under].children == 1) {
			r->links[m->node].under = NONE;
			root = m->node;
		}
	}
	buf_put(&r->roots, (struct span){ (const uint8_t *)&root, sizeof(root) });
}

/* --- the same subject (5) -------------------------------------------------- */

static uint32_t root_at(const struct references *r, uint32_t i)
{
	uint32_t node;

	memcpy(&node, r->roots.p + i * sizeof(node), sizeof(node));
	return node;
}

static const struct message *speaker(const struct references *r, uint32_t root)
{
	uint32_t node = r->links[root].message != NONE ? root : r->links[root].first;

	return message_at(r, r->links[node].message);
}

static int compare_subjects(const void *arg, uint32_t a, uint32_t b)
{
	const struct references *r = arg;
	const struct message *x = speaker(r, root_at(r, a)), *y = speaker(r, root_at(r, b));
	size_t n = x->subject_n < y->subject_n ? x->subject_n : y->subject_n;
	int d = n > 0 ? memcmp(r->texts.p + x->subject, r->texts.p + y->subject, n) : 0;

	return d != 0 ? d : (x->subject_n > y->subject_n) - (x->subject_n < y->subject_n);
}

static bool nobody(const struct references *r, uint32_t node)
{
	return r->links[node].message == NONE;
}

static bool is_reply(const struct references *r, uint32_t node)
{
	return !nobody(r, node) && message_at(r, r->links[node].message)->reply;
}

static uint32_t chosen(const struct references *r, size_t from, size_t to)
{
	uint32_t best = root_at(r, r->by_subject.order[from]);

	for (size_t i = from + 1; i < to; i++) {
		uint32_t one = root_at(r, r->by_subject.order[i]);

		if (!nobody(r, best) && (nobody(r, one) || (is_reply(r, best) && !is_reply(r, one))))
			best = one;
	}
	return best;
}

/* Roots from .. to have one subject. */
static int gather(struct references *r, size_t from, size_t to)
{
	uint32_t best = chosen(r, from, to), chose = best;

	for (size_t i = from; i < to; i++) {
		uint32_t one = root_at(r, r->by_subject.order[i]);

		if (one == chose)
			continue;
		if (!nobody(r, best) && !(is_reply(r, one) && !is_reply(r, best))) {
			uint32_t both = new_node(r, 0);

			if (both == NONE)
				return -ENOMEM;
			r->links[best].under = both;
			best = both;
		}
		r->links[one].under = best;	/* of one that nobody is: where its children go */
	}
	return 0;
}

static int gather_next(struct references *r)
{
	size_t from = r->at, n = r->by_subject.n;

	while (++r->at < n && compare_subjects(r, r->by_subject.order[from], r->by_subject.order[r->at]) == 0)
		;
	if (speaker(r, root_at(r, r->by_subject.order[from]))->subject_n == 0 || r->at - from == 1)
		return 0;
	return gather(r, from, r->at);
}

/* --- the forest (4), (6) --------------------------------------------------- */

static void hang(struct references *r, const struct message *m)
{
	uint32_t under = r->links[m->node].under;

	if (under != NONE && nobody(r, under) && r->links[under].under != NONE)
		under = r->links[under].under;
	if (under != NONE && nobody(r, under) && !r->links[under].hung) {
		r->links[under].hung = true;
		thread_hang(&r->forest, NONE, under);
	}
	thread_hang(&r->forest, under, m->node);
}

/* --- turns ----------------------------------------------------------------- */

static int begin(struct references *r, enum phase next)
{
	r->phase = next;
	r->at = 0;
	if (next == ORDER)
		return merge_init(&r->by_date, r->n, compare_dates, r);
	if (next == SUBJECTS)
		return r->roots.failed ? -ENOMEM : merge_init(&r->by_subject, r->roots.n / sizeof(uint32_t), compare_subjects, r);
	return 0;
}

/* One message, or group of roots; they are counted by r->at. */
static int step(struct references *r)
{
	size_t at = r->phase == GATHER ? r->at : r->at++;
	const struct message *m = message_at(r, r->phase >= PLACE && r->phase != GATHER ? r->by_date.order[at] : at);

	switch (r->phase) {
	case OWN:
		link_own(r, m);
		break;
	case OTHERS:
		link_others(r, m, at);
		break;
	case PLACE:
		place(r, m);
		break;
	case ROOTS:
		note_root(r, m);
		break;
	case GATHER:
		return gather_next(r);
	default:
		hang(r, m);
		break;
	}
	return 0;
}

int references_go(struct references *r, size_t steps)
{
	while (r->phase != DONE && steps-- > 0) {
		bool over;

		if (r->phase == ORDER || r->phase == SUBJECTS) {
			over = merge_go(r->phase == ORDER ? &r->by_date : &r->by_subject, 16);
		} else {
			over = r->at >= (r->phase == GATHER ? r->by_subject.n : r->n);
			if (!over && step(r) != 0)
				return -ENOMEM;
		}
		if (over && begin(r, r->phase + 1) != 0)
			return -ENOMEM;
	}
	return r->phase == DONE;
}
