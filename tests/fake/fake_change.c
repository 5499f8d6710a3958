/* fake_change.c - what each mutation does; the meaning is storage/store.h's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storage/meta.h"
#include "tests/fake/fake_inner.h"

/* UIDs as ranges, one at a time. */
struct uids {
	struct store_range *ranges;
	size_t count, cap;
};

static void uids_add(struct uids *u, uint32_t uid)
{
	if (u->count > 0 && u->ranges[u->count - 1].last + 1 == uid) {
		u->ranges[u->count - 1].last = uid;
		return;
	}
	u->ranges = fake_grow(u->ranges, u->count, &u->cap, sizeof(u->ranges[0]));
	u->ranges[u->count++] = (struct store_range){ uid, uid };
}

/* Into the arena of the answer. */
static struct store_set uids_give(struct uids *u, struct arena *memory)
{
	struct store_range *copy = arena_array(memory, u->count + 1, sizeof(*copy));
	struct store_set set = { copy, u->count };

	if (u->count > 0)
		memcpy(copy, u->ranges, u->count * sizeof(*copy));
	free(u->ranges);
	return set;
}

static unsigned keyword_limit(const struct fake_store *s)
{
	return s->options.keyword_limit != 0 ? s->options.keyword_limit : STORE_KEYWORDS;
}

void fake_tell_quota(struct fake_user *u, uint64_t quota)
{
	if (quota != STORE_QUOTA_UNTOLD)
		u->quota = quota;
}

uint64_t fake_quota(const struct fake_store *s, const struct fake_user *u)
{
	if (u->quota == STORE_QUOTA_UNTOLD || u->quota == STORE_QUOTA_SITE)
		return s->options.quota;
	return u->quota == STORE_QUOTA_NONE ? 0 : u->quota;
}

bool fake_over_quota(const struct fake_store *s, const struct fake_user *u, uint64_t more)
{
	uint64_t quota = fake_quota(s, u);

	return quota != 0 && (u->boxes.bytes > quota || more > quota - u->boxes.bytes);
}

/* The bits of the names, which the mailbox learns up to the limit; 0: it learns none, and those that it
 * does not know count for nothing. */
static enum store_status keyword_bits(struct fake_mailbox *box, const struct span *names, size_t count,
				      unsigned limit, uint64_t *bits)
{
	*bits = 0;
	for (size_t i = 0; i < count; i++)
		if (!fake_keyword_valid(names[i]))
			return STORE_INVALID;
	for (size_t i = 0; i < count; i++) {
		int bit = fake_keyword_bit(box, names[i], limit);

		if (bit < 0 && limit == 0)
			continue;
		if (bit < 0)
			return STORE_LIMIT;
		*bits |= (uint64_t)1 << bit;
	}
	return STORE_OK;
}

void fake_meta_open(struct fake_user *u)
{
	if (u->meta_fd < 0)
		u->meta_fd = memfd_create("derived", MFD_CLOEXEC);
	if (u->meta_fd < 0)
		abort();
}

/* The entry of an account's derived file (storage/meta.h). */
void fake_meta_keep(struct fake_store *s, struct fake_user *u, struct store_record *r, struct span meta)
{
	uint8_t header[STORE_META_HEADER];

	if (s->options.meta_header == NULL || meta.n == 0)
		return;
	fake_meta_open(u);
	s->options.meta_header(header, r->guid, meta);
	if (pwrite(u->meta_fd, header, sizeof(header), (off_t)u->meta_size) != (ssize_t)sizeof(header) ||
	    pwrite(u->meta_fd, meta.p, meta.n, (off_t)(u->meta_size + sizeof(header))) != (ssize_t)meta.n)
		abort();
	r->meta_offset = u->meta_size;
	r->meta_length = (uint32_t)meta.n;
	u->meta_size += sizeof(header) + meta.n;
}

static struct store_record new_record(struct fake_store *s, const struct fake_body *body, int64_t internal_s)
{
	struct store_record r = { .size = body->n, .internal_s = internal_s, .saved_s = fake_now_s(s) };

	s->last_guid++;
	memcpy(r.guid, &s->last_guid, sizeof(s->last_guid));
	return r;
}

static enum store_status change_append(struct fake_store *s, struct fake_user *u,
				       const struct store_mutation *m, struct store_result *result,
				       struct arena *memory)
{
	const struct fake_stage *stage = (const struct fake_stage *)m->stage;
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox);
	struct store_record r;
	struct fake_body *body;
	struct uids to = { 0 };
	enum store_status status;
	uint64_t bits;

	if (box == NULL)
		return STORE_NOT_FOUND;
	if (stage == NULL || (m->flags & ~(unsigned)STORE_FLAGS_ALL) != 0)
		return STORE_INVALID;
	if (m->uid != 0 && m->uid < box->uidnext)
		return STORE_INVALID;
	if (m->uid > UINT32_MAX - 4000)
		return STORE_LIMIT;
	if (stage->failed)
		return STORE_LIMIT;
	if (fake_over_quota(s, u, stage->bytes.n))
		return STORE_OVER_QUOTA;
	status = keyword_bits(box, m->keywords, m->keyword_count, keyword_limit(s), &bits);
	if (status != STORE_OK)
		return status;
	body = fake_body_new(buf_span(&stage->bytes));
	r = new_record(s, body, m->internal_s);
	r.flags = m->flags;
	r.keywords = bits;
	fake_meta_keep(s, u, &r, m->meta);
	if (m->uid != 0)
		box->uidnext = m->uid;
	uids_add(&to, fake_message_add(u, box, &r, body, box->modseq + 1)->record.uid);
	fake_body_drop(body);
	*result = (struct store_result){ .mailbox = box->id,
					 .uidvalidity = box->uidvalidity,
					 .modseq = box->modseq };
	result->to = uids_give(&to, memory);
	return STORE_OK;
}

static bool set_one(struct store_record *r, enum store_how how, uint32_t flags, uint64_t bits)
{
	struct store_record old = *r;

	if (how == STORE_FLAGS_REPLACE) {
		r->flags = flags;
		r->keywords = bits;
	} else if (how == STORE_FLAGS_ADD) {
		r->flags |= flags;
		r->keywords |= bits;
	} else {
		r->flags &= ~flags;
		r->keywords &= ~bits;
	}
	return r->flags != old.flags || r->keywords != old.keywords;
}

static enum store_status change_flags(struct fake_store *s, struct fake_user *u,
				      const struct store_mutation *m, struct store_result *result,
				      struct arena *memory)
{
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox);
	struct uids skipped = { 0 };
	enum store_status status;
	uint64_t bits, modseq;

	if (box == NULL)
		return STORE_NOT_FOUND;
	if ((m->flags & ~(unsigned)STORE_FLAGS_ALL) != 0)
		return STORE_INVALID;
	status = keyword_bits(box, m->keywords, m->keyword_count,
			      m->how == STORE_FLAGS_REMOVE ? 0 : keyword_limit(s), &bits);
	if (status != STORE_OK)
		return status;
	modseq = box->modseq + 1;
	for (size_t i = 0; i < box->count; i++) {
		struct store_record *r = &box->messages[i].record;

		if (!fake_set_has(&m->uids, r->uid))
			continue;
		if (m->unchanged_since != 0 && r->modseq > m->unchanged_since)
			uids_add(&skipped, r->uid);
		else if (set_one(r, m->how, m->flags, bits))
			r->modseq = box->modseq = modseq;
	}
	if (box->modseq == modseq)
		fake_touch(u, box->id);
	*result = (struct store_result){ .mailbox = box->id, .modseq = box->modseq == modseq ? modseq : 0 };
	result->skipped = uids_give(&skipped, memory);
	return STORE_OK;
}

static enum store_status change_expunge(struct fake_user *u, const struct store_mutation *m,
					struct store_result *result)
{
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox);
	uint64_t modseq;

	if (box == NULL)
		return STORE_NOT_FOUND;
	modseq = box->modseq + 1;
	for (size_t i = 0; i < box->count;) {
		const struct store_record *r = &box->messages[i].record;

		if (fake_set_has(&m->uids, r->uid) && (!m->only_deleted || (r->flags & STORE_DELETED) != 0))
			fake_message_drop(u, box, i, modseq);
		else
			i++;
	}
	*result = (struct store_result){ .mailbox = box->id, .modseq = box->modseq };
	return STORE_OK;
}

/* The message's keywords in the target's bits. */
static enum store_status move_keywords(struct fake_store *s, const struct fake_mailbox *from,
				       struct fake_mailbox *to, struct store_record *r)
{
	uint64_t old = r->keywords;

	r->keywords = 0;
	for (size_t i = 0; i < from->keyword_count; i++) {
		int bit;

		if ((old >> i & 1) == 0)
			continue;
		bit = fake_keyword_bit(to, span_of(from->keywords[i]), keyword_limit(s));
		if (bit < 0)
			return STORE_LIMIT;
		r->keywords |= (uint64_t)1 << bit;
	}
	return STORE_OK;
}

/* Copies one message; its place may move, for the two mailboxes can be one. */
static enum store_status copy_one(struct fake_store *s, struct fake_user *u, struct fake_mailbox *from,
				  size_t i, struct fake_mailbox *to, uint64_t modseq)
{
	struct fake_message old = from->messages[i], *new;
	struct store_record r = old.record;
	enum store_status status = move_keywords(s, from, to, &r);

	if (status != STORE_OK)
		return status;
	r.saved_s = fake_now_s(s);
	new = fake_message_add(u, to, &r, old.body, modseq);
	new->address = old.address != NULL ? fake_text(span_of(old.address)) : NULL;
	return STORE_OK;
}

/* All messages of `from` in the set that are there when it begins. */
static enum store_status copy_all(struct fake_store *s, struct fake_user *u, const struct store_set *set,
				  struct fake_mailbox *from, struct fake_mailbox *to, struct uids *taken,
				  struct uids *given)
{
	size_t count = from->count;
	uint64_t modseq = to->modseq + 1;

	for (size_t i = 0; i < count; i++) {
		uint32_t uid = from->messages[i].record.uid, new = to->uidnext;
		enum store_status status;

		if (!fake_set_has(set, uid))
			continue;
		status = copy_one(s, u, from, i, to, modseq);
		if (status != STORE_OK)
			return status;
		uids_add(taken, uid);
		uids_add(given, new);
	}
	return STORE_OK;
}

static void drop_all(struct fake_user *u, struct fake_mailbox *box, const struct uids *gone)
{
	struct store_set set = { gone->ranges, gone->count };
	uint64_t modseq = box->modseq + 1;

	for (size_t i = 0; i < box->count;)
		if (fake_set_has(&set, box->messages[i].record.uid))
			fake_message_drop(u, box, i, modseq);
		else
			i++;
}

static enum store_status copy(struct fake_store *s, struct fake_user *u, const struct store_mutation *m,
			      struct store_result *result, struct arena *memory)
{
	struct fake_mailbox *from = fake_box_by_id(&u->boxes, m->mailbox);
	struct fake_mailbox *to = fake_box_by_id(&u->boxes, m->target);
	struct uids taken = { 0 }, given = { 0 };
	enum store_status status;

	if (from == NULL || to == NULL)
		return STORE_NOT_FOUND;
	if (m->change == STORE_COPY && fake_over_quota(s, u, 0))
		return STORE_OVER_QUOTA;
	status = copy_all(s, u, &m->uids, from, to, &taken, &given);
	if (status == STORE_OK && m->change == STORE_MOVE)
		drop_all(u, from, &taken);
	else if (status == STORE_OK && fake_over_quota(s, u, 0))
		status = STORE_OVER_QUOTA;
	*result =
	    (struct store_result){ .mailbox = to->id, .uidvalidity = to->uidvalidity, .modseq = to->modseq };
	result->from = uids_give(&taken, memory);
	result->to = uids_give(&given, memory);
	return status;
}

/* A role has one mailbox: a new one takes it from one that is empty. */
static enum store_status take_role(struct fake_user *u, enum store_role role)
{
	struct fake_mailbox *holder = NULL;

	for (size_t i = 0; role != STORE_ROLE_NONE && i < u->boxes.count; i++)
		if (u->boxes.box[i]->id != 0 && u->boxes.box[i]->role == role)
			holder = u->boxes.box[i];
	if (holder != NULL && holder->count > 0)
		return STORE_IN_USE;
	if (holder != NULL)
		holder->role = STORE_ROLE_NONE;
	return STORE_OK;
}

static enum store_status change_create(struct fake_store *s, struct fake_user *u,
				       const struct store_mutation *m, struct store_result *result)
{
	unsigned limit = s->options.mailbox_limit != 0 ? s->options.mailbox_limit : 5000;
	const struct fake_mailbox *box = fake_box_by_name(&u->boxes, m->name);

	if (!fake_name_valid(m->name))
		return STORE_INVALID;
	if (box != NULL && box->id != 0)
		return STORE_EXISTS;
	if (m->role == STORE_ROLE_INBOX)
		return STORE_INVALID;
	if (u->boxes.count >= limit)
		return STORE_LIMIT;
	if (take_role(u, m->role) != STORE_OK)
		return STORE_IN_USE;
	box = fake_box_create(u, m->name, m->role);
	*result = (struct store_result){ .mailbox = box->id, .uidvalidity = box->uidvalidity };
	return STORE_OK;
}

static enum store_status change_uidvalidity(struct fake_user *u, const struct store_mutation *m, struct store_result *result)
{
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox);

	if (box == NULL)
		return STORE_NOT_FOUND;
	if (m->uidvalidity == 0)
		return STORE_INVALID;
	if (box->count > 0)
		return STORE_EXISTS;
	box->uidvalidity = m->uidvalidity;
	if (u->last_uidvalidity < m->uidvalidity)
		u->last_uidvalidity = m->uidvalidity;
	box->modseq++;
	fake_touch(u, box->id);
	*result = (struct store_result){ .mailbox = box->id, .uidvalidity = box->uidvalidity, .modseq = box->modseq };
	return STORE_OK;
}

static enum store_status change_delete(struct fake_user *u, const struct store_mutation *m)
{
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox);

	if (box == NULL)
		return STORE_NOT_FOUND;
	if (box->role == STORE_ROLE_INBOX)
		return STORE_INVALID;
	fake_box_delete(u, box);
	return STORE_OK;
}

/* RFC 9051 6.3.6: INBOX stays, its messages go. */
static enum store_status rename_inbox(struct fake_store *s, struct fake_user *u, struct fake_mailbox *inbox,
				      struct span name, struct store_result *result)
{
	struct store_range all = { 1, UINT32_MAX };
	struct store_set set = { &all, 1 };
	struct uids taken = { 0 }, given = { 0 };
	struct fake_mailbox *to = fake_box_create(u, name, STORE_ROLE_NONE);
	enum store_status status = copy_all(s, u, &set, inbox, to, &taken, &given);

	if (status == STORE_OK)
		drop_all(u, inbox, &taken);
	fake_annotations_copy(u, inbox, to);
	free(taken.ranges);
	free(given.ranges);
	*result = (struct store_result){ .mailbox = to->id };
	return status;
}

static bool is_below(struct span name, struct span top)
{
	return name.n > top.n && name.p[top.n] == '/' && memcmp(name.p, top.p, top.n) == 0;
}

/* As fake_box_by_name, while the names are out of order. */
static struct fake_mailbox *box_named(const struct fake_boxes *b, struct span name)
{
	for (size_t i = 0; i < b->count; i++)
		if (span_is(name, b->box[i]->name))
			return b->box[i];
	return NULL;
}

/* Gives box the name `top` + what follows its first `cut` bytes. */
static enum store_status rename_one(struct fake_user *u, struct fake_mailbox *box, struct span top,
				    size_t cut)
{
	char name[2 * STORE_NAME_MAX + 1];
	struct fake_mailbox *there;
	char *old;

	snprintf(name, sizeof(name), "%.*s%s", (int)top.n, (const char *)top.p, box->name + cut);
	there = box_named(&u->boxes, span_of(name));
	if (!fake_name_valid(span_of(name)))
		return STORE_INVALID;
	if (there != NULL && there->id != 0)
		return STORE_EXISTS;
	if (there != NULL) { /* subscribed to, and now it is there */
		box->subscribed = true;
		there->subscribed = false;
	}
	old = box->name;
	box->name = fake_text(span_of(name));
	if (box->subscribed && box_named(&u->boxes, span_of(old)) == NULL)
		fake_box_add(u, span_of(old))->subscribed =
		    true; /* RFC 9051 6.3.7: the name stays subscribed to */
	free(old);
	return STORE_OK;
}

static void prune_all(struct fake_user *u)
{
	for (size_t i = u->boxes.count; i > 0; i--)
		fake_box_prune(u, u->boxes.box[i - 1]);
}

static enum store_status change_rename(struct fake_store *s, struct fake_user *u,
				       const struct store_mutation *m, struct store_result *result)
{
	struct fake_mailbox *box = fake_box_by_id(&u->boxes, m->mailbox), *there;
	enum store_status status = STORE_OK;
	struct fake_boxes fresh;
	char *old;

	if (box == NULL)
		return STORE_NOT_FOUND;
	there = fake_box_by_name(&u->boxes, m->name);
	if (there != NULL && there->id != 0)
		return STORE_EXISTS;
	if (!fake_name_valid(m->name))
		return STORE_INVALID;
	if (box->role == STORE_ROLE_INBOX)
		return rename_inbox(s, u, box, m->name, result);
	if (is_below(m->name, span_of(box->name)))
		return STORE_INVALID;
	old = fake_text(span_of(box->name));
	fresh = (struct fake_boxes){ .box = fake_need(u->boxes.count * sizeof(fresh.box[0])),
				     .count = u->boxes.count };
	memcpy(fresh.box, u->boxes.box, fresh.count * sizeof(fresh.box[0]));
	for (size_t i = 0; i < fresh.count && status == STORE_OK; i++)
		if (fresh.box[i] == box ||
		    (fresh.box[i]->id != 0 && is_below(span_of(fresh.box[i]->name), span_of(old))))
			status = rename_one(u, fresh.box[i], m->name, strlen(old));
	free(fresh.box);
	free(old);
	fake_boxes_sort(&u->boxes);
	prune_all(u);
	fake_touch(u, 0);
	return status;
}

static enum store_status change_subscription(struct fake_user *u, const struct store_mutation *m)
{
	struct fake_mailbox *box = fake_box_by_name(&u->boxes, m->name);
	bool wanted = m->change == STORE_SUBSCRIBE;

	if (!fake_name_valid(m->name))
		return STORE_INVALID;
	if (box == NULL && !wanted)
		return STORE_OK;
	if (box == NULL)
		box = fake_box_add(u, m->name);
	box->subscribed = wanted;
	fake_box_prune(u, box);
	fake_touch(u, 0);
	return STORE_OK;
}

enum store_status fake_change(struct fake_store *s, struct fake_user *u, const struct store_mutation *m,
			      struct store_result *result, struct arena *memory)
{
	switch (m->change) {
	case STORE_APPEND:
		return change_append(s, u, m, result, memory);
	case STORE_SET_FLAGS:
		return change_flags(s, u, m, result, memory);
	case STORE_EXPUNGE:
		return change_expunge(u, m, result);
	case STORE_COPY:
	case STORE_MOVE:
		return copy(s, u, m, result, memory);
	case STORE_CREATE:
		return change_create(s, u, m, result);
	case STORE_DELETE:
		return change_delete(u, m);
	case STORE_RENAME:
		return change_rename(s, u, m, result);
	case STORE_SUBSCRIBE:
	case STORE_UNSUBSCRIBE:
		return change_subscription(u, m);
	case STORE_ANNOTATE:
		return fake_annotate(u, m);
	case STORE_SET_UIDVALIDITY:
		return change_uidvalidity(u, m, result);
	}
	return STORE_INVALID;
}

void fake_deliver(struct fake_store *s, struct fake_user *u, struct fake_body *body, struct span meta,
		  struct span address)
{
	struct fake_mailbox *inbox = fake_box_by_name(&u->boxes, span_of("INBOX"));
	struct store_record r = new_record(s, body, fake_now_s(s));
	struct fake_message *new;

	fake_meta_keep(s, u, &r, meta);
	new = fake_message_add(u, inbox, &r, body, inbox->modseq + 1);
	new->address = fake_text(address);
}
