/* fake_look.c - list, find, sync, bodies; the meaning is storage/store.h's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake/fake_inner.h"

static struct store_mailbox describe(const struct fake_mailbox *m)
{
	struct store_mailbox out = { .id = m->id,
				     .name = span_of(m->name),
				     .role = m->role,
				     .subscribed = m->subscribed,
				     .uidvalidity = m->uidvalidity,
				     .uidnext = m->uidnext,
				     .modseq = m->modseq,
				     .recent_uid = m->recent_uid,
				     .notes = m->notes,
				     .exists = (uint32_t)m->count };

	for (size_t i = 0; i < m->count; i++) {
		out.unseen += (m->messages[i].record.flags & STORE_SEEN) == 0;
		out.deleted += (m->messages[i].record.flags & STORE_DELETED) != 0;
		out.size += m->messages[i].record.size;
	}
	return out;
}

/* STORE_RIGHT_POP sees INBOX and nothing else. */
static bool may_see(const struct fake_op *op, const struct fake_mailbox *m)
{
	return (op->rights & STORE_RIGHT_READ) != 0 || m->role == STORE_ROLE_INBOX;
}

/* STORE_OK, or why there is nothing to look at. */
static enum store_status sight(const struct fake_op *op, const struct fake_mailbox *m)
{
	if (m == NULL || m->id == 0)
		return STORE_NOT_FOUND;
	return may_see(op, m) ? STORE_OK : STORE_REFUSED;
}

static struct store_quota quota(const struct fake_store *s, const struct fake_user *u)
{
	struct store_quota q = { .bytes = u->boxes.bytes, .bytes_limit = fake_quota(s, u) };

	q.mailboxes_limit = s->options.mailbox_limit != 0 ? s->options.mailbox_limit : 5000;
	for (size_t i = 0; i < u->boxes.count; i++) {
		q.mailboxes += u->boxes.box[i]->id != 0;
		q.messages += u->boxes.box[i]->count;
	}
	return q;
}

void fake_run_list(struct fake_store *s, struct fake_op *op)
{
	size_t max = s->options.page_mailboxes != 0 ? s->options.page_mailboxes : 100;
	const struct fake_boxes *b = &op->user->boxes;
	struct store_mailbox *page = fake_need(max * sizeof(*page));
	struct store_list list = { .mailboxes = page };
	size_t seen = 0;

	for (size_t i = 0; i < b->count; i++) {
		if (!may_see(op, b->box[i]) || seen++ < op->from)
			continue;
		if (list.count == max) {
			list.next = op->from + max;
			break;
		}
		page[list.count++] = describe(b->box[i]);
	}
	list.quota = quota(s, op->user);
	list.notes = b->account_notes;
	fake_looked(s, op->account, 0);
	if (op->done.list != NULL)
		op->done.list(op->arg, STORE_OK, &list);
	free(page);
}

void fake_run_find(struct fake_store *s, struct fake_op *op)
{
	const struct fake_mailbox *m = fake_box_by_name(&op->user->boxes, op->name);
	struct store_mailbox out;

	fake_looked(s, op->account, 0);
	if (op->done.find == NULL)
		return;
	if (sight(op, m) != STORE_OK) {
		op->done.find(op->arg, sight(op, m), NULL);
		return;
	}
	out = describe(m);
	op->done.find(op->arg, STORE_OK, &out);
}

/* --- store_sync ------------------------------------------------------------ */

/* A page while it is filled; ranges end where the page is full. */
struct sheet {
	struct store_range *ranges, *vanished;
	struct store_record *records;
	size_t range_count, vanished_count, record_count;
	size_t max_ranges, max_records;
	uint32_t next; /* the UID behind the page; 0: all of it */
};

static bool add_uid(struct store_range *ranges, size_t *count, size_t max, uint32_t uid)
{
	if (*count > 0 && ranges[*count - 1].last + 1 == uid) {
		ranges[*count - 1].last = uid;
		return true;
	}
	if (*count == max)
		return false;
	ranges[(*count)++] = (struct store_range){ uid, uid };
	return true;
}

static void sheet_messages(struct sheet *sheet, const struct fake_mailbox *m, const struct store_look *look)
{
	for (size_t i = 0; i < m->count && sheet->next == 0; i++) {
		const struct store_record *r = &m->messages[i].record;
		bool fits = true;

		if (r->uid < look->first || r->uid > look->last || r->modseq <= look->since)
			continue;
		if (look->want == STORE_WANT_RANGES)
			fits = add_uid(sheet->ranges, &sheet->range_count, sheet->max_ranges, r->uid);
		else if (sheet->record_count < sheet->max_records)
			sheet->records[sheet->record_count++] = *r;
		else
			fits = false;
		if (!fits)
			sheet->next = r->uid;
	}
}

static int compare_uids(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The UIDs that went behind look->since; all that are not there if that is no longer known. */
static uint32_t *gone_uids(const struct fake_mailbox *m, const struct store_look *look, size_t *count)
{
	uint32_t *uids = fake_need(((size_t)m->uidnext + m->tomb_count) * sizeof(*uids));

	*count = 0;
	if (look->since < m->forgotten) {
		for (uint32_t uid = 1; uid < m->uidnext; uid++)
			if (fake_message_find(m, uid) == NULL)
				uids[(*count)++] = uid;
		return uids;
	}
	for (size_t i = 0; i < m->tomb_count; i++)
		if (m->tombs[i].modseq > look->since)
			uids[(*count)++] = m->tombs[i].uid;
	qsort(uids, *count, sizeof(*uids), compare_uids);
	return uids;
}

/* May make the page shorter: what is told below next must be whole. */
static void sheet_vanished(struct sheet *sheet, const struct fake_mailbox *m, const struct store_look *look)
{
	size_t count;
	uint32_t *uids = gone_uids(m, look, &count);

	for (size_t i = 0; i < count; i++) {
		if (uids[i] < look->first || uids[i] > look->last)
			continue;
		if (sheet->next != 0 && uids[i] >= sheet->next)
			break;
		if (!add_uid(sheet->vanished, &sheet->vanished_count, sheet->max_ranges, uids[i])) {
			sheet->next = uids[i];
			break;
		}
	}
	free(uids);
}

/* Takes back what lies at or above next. */
static void sheet_cut(struct sheet *sheet)
{
	if (sheet->next == 0)
		return;
	while (sheet->record_count > 0 && sheet->records[sheet->record_count - 1].uid >= sheet->next)
		sheet->record_count--;
	while (sheet->range_count > 0 && sheet->ranges[sheet->range_count - 1].first >= sheet->next)
		sheet->range_count--;
	if (sheet->range_count > 0 && sheet->ranges[sheet->range_count - 1].last >= sheet->next)
		sheet->ranges[sheet->range_count - 1].last = sheet->next - 1;
}

static uint32_t first_unseen(const struct fake_mailbox *m)
{
	for (size_t i = 0; i < m->count; i++)
		if ((m->messages[i].record.flags & STORE_SEEN) == 0)
			return m->messages[i].record.uid;
	return 0;
}

static void give_page(struct fake_op *op, struct fake_mailbox *m, const struct sheet *sheet)
{
	struct span keywords[STORE_KEYWORDS];
	struct store_page page = { .mailbox = describe(m),
				   .keywords = keywords,
				   .keyword_count = m->keyword_count,
				   .first_unseen = first_unseen(m),
				   .records = sheet->records,
				   .record_count = sheet->record_count,
				   .ranges = sheet->ranges,
				   .range_count = sheet->range_count,
				   .vanished = sheet->vanished,
				   .vanished_count = sheet->vanished_count,
				   .next_uid = sheet->next };

	for (size_t i = 0; i < m->keyword_count; i++)
		keywords[i] = span_of(m->keywords[i]);
	if (op->look.claim_recent)
		m->recent_uid = m->uidnext;
	if (op->done.page != NULL)
		op->done.page(op->arg, STORE_OK, &page);
}

static size_t smaller(size_t wanted, size_t most)
{
	return wanted != 0 && wanted < most ? wanted : most;
}

void fake_run_sync(struct fake_store *s, struct fake_op *op)
{
	struct fake_mailbox *m = fake_box_by_id(&op->user->boxes, op->look.mailbox);
	struct sheet sheet = { .max_ranges = smaller(s->options.page_ranges, STORE_PAGE_RANGES),
			       .max_records = smaller(s->options.page_records, STORE_PAGE_RECORDS) };

	fake_looked(s, op->account, op->look.mailbox);
	if (sight(op, m) != STORE_OK) {
		if (op->done.page != NULL)
			op->done.page(op->arg, sight(op, m), NULL);
		return;
	}
	sheet.ranges = fake_need(sheet.max_ranges * sizeof(*sheet.ranges));
	sheet.vanished = fake_need(sheet.max_ranges * sizeof(*sheet.vanished));
	sheet.records = fake_need(sheet.max_records * sizeof(*sheet.records));
	sheet_messages(&sheet, m, &op->look);
	if (op->look.since > 0)
		sheet_vanished(&sheet, m, &op->look);
	sheet_cut(&sheet);
	give_page(op, m, &sheet);
	free(sheet.ranges);
	free(sheet.vanished);
	free(sheet.records);
}

/* --- bodies ---------------------------------------------------------------- */

static int reopened(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int fake_body_fd(const struct fake_body *body)
{
	int fd = memfd_create("body", MFD_CLOEXEC), out;

	if (fd < 0 || write(fd, body->bytes, body->n) != (ssize_t)body->n)
		abort();
	out = reopened(fd);
	close(fd);
	return out;
}

static void give_body(struct fake_op *op, enum store_status status, int fd, uint64_t size)
{
	if (op->done.body != NULL)
		op->done.body(op->arg, status, fd, size);
	else if (fd >= 0)
		close(fd);
}

void fake_run_body(struct fake_store *s, struct fake_op *op)
{
	const struct fake_mailbox *m = fake_box_by_id(&op->user->boxes, op->mailbox);
	const struct fake_message *message = NULL;
	enum store_status status = sight(op, m);

	(void)s;
	if (status == STORE_OK)
		message = fake_message_find(m, op->uid);
	if (message != NULL)
		give_body(op, STORE_OK, fake_body_fd(message->body), message->body->n);
	else
		give_body(op, status != STORE_OK ? status : STORE_NOT_FOUND, -1, 0);
}

static bool set_has(const struct store_set *s, uint32_t uid)
{
	for (size_t i = 0; i < s->count; i++)
		if (uid >= s->ranges[i].first && uid <= s->ranges[i].last)
			return true;
	return false;
}

void fake_run_bodies(struct fake_store *s, struct fake_op *op)
{
	const struct fake_mailbox *m = fake_box_by_id(&op->user->boxes, op->mailbox);
	enum store_status status = sight(op, m);
	struct store_opened opened[STORE_BODIES];
	size_t n = 0;

	(void)s;
	if (op->done.bodies == NULL)
		return;
	if (status == STORE_OK && !store_bodies_valid(&op->uids))
		status = STORE_INVALID;
	for (size_t i = 0; status == STORE_OK && i < m->count; i++) {
		const struct fake_message *message = &m->messages[i];

		if (set_has(&op->uids, message->record.uid))
			opened[n++] = (struct store_opened){ message->record.uid, STORE_OK, fake_body_fd(message->body),
							     message->body->n };
	}
	op->done.bodies(op->arg, status, status == STORE_OK ? opened : NULL, n);
}

void fake_run_meta_file(struct fake_store *s, struct fake_op *op)
{
	(void)s;
	fake_meta_open(op->user);
	give_body(op, STORE_OK, reopened(op->user->meta_fd), op->user->meta_size);
}

void fake_run_meta_put(struct fake_store *s, struct fake_op *op)
{
	struct fake_mailbox *m = fake_box_by_id(&op->user->boxes, op->mailbox);
	struct fake_message *message = m != NULL ? fake_message_find(m, op->uid) : NULL;

	if (message != NULL)
		fake_meta_keep(s, op->user, &message->record, op->meta);
	if (op->done.plain != NULL)
		op->done.plain(op->arg, message != NULL ? STORE_OK : STORE_NOT_FOUND, "");
}
