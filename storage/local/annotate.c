/* annotate.c - annotations of mailboxes and of the account (RFC 5464): changed, read, kept in a small file. */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "storage/local/apply.h"
#include "storage/local/files.h"
#include "storage/local/look.h"
#include "storage/local/statefile.h"

/* Called for each entry of a mailbox, in the order of names; spans lent. 0, or a negative errno, which ends it. */
typedef int (*note_each)(void *arg, struct span entry, struct span value);

static int each_note(struct account *a, uint32_t mailbox, note_each each, void *arg)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r;

	key_mailbox(&from, KEY_ANNOTATION, a->record.number, mailbox);
	key_end(&end, &from);
	scan = kv_scan_open(a->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		r = each(arg, key_get_entry(key), value);
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

/* --- all of one mailbox ----------------------------------------------------- */

struct gathering {
	struct arena *memory;
	struct store_annotation all[STORE_ANNOTATIONS];
	size_t count;
};

static int gather_note(void *arg, struct span entry, struct span value)
{
	struct gathering *g = arg;
	struct store_annotation *one = &g->all[g->count];

	if (g->count == STORE_ANNOTATIONS)
		return 0;
	one->entry = arena_copy(g->memory, entry);
	one->value = arena_copy(g->memory, value);
	if (one->entry.p == NULL || (one->value.p == NULL && value.n > 0))
		return -ENOMEM;
	g->count++;
	return 0;
}

/* 0 or a negative errno; the caller frees the memory in any case. */
static int gather_all(struct account *a, uint32_t mailbox, struct gathering *g)
{
	int r = arena_new(&g->memory, 2 * STORE_ANNOTATION_BYTES, ARENA_PLAIN, NULL);

	g->count = 0;
	return r < 0 ? r : each_note(a, mailbox, gather_note, g);
}

/* --- changing -------------------------------------------------------------- */

/* A start that is chosen anew by each run: whoever holds a number of a run before finds another one. */
void annotations_changed(struct account *a, struct mailbox *m)
{
	uint64_t *last = &a->s->last_notes;

	while (*last == 0)
		randombytes_buf(last, sizeof(*last));
	*last += *last < UINT64_MAX ? 1 : 2;
	*(m != NULL ? &m->notes : &a->notes) = *last;
}

struct others { /* what there is beside one entry */
	struct span entry;
	size_t count, bytes;
};

static int count_note(void *arg, struct span entry, struct span value)
{
	struct others *o = arg;

	if (span_equal(entry, o->entry))
		return 0;
	o->count++;
	o->bytes += entry.n + value.n;
	return 0;
}

static int check_limits(struct apply *ap, struct step *step, uint32_t mailbox)
{
	struct others o = { .entry = step->m.name };
	int r = each_note(step->account, mailbox, count_note, &o);

	if (r < 0)
		return r;
	if (o.count < STORE_ANNOTATIONS && o.bytes + step->m.name.n + step->m.meta.n <= STORE_ANNOTATION_BYTES)
		return 0;
	commit_fail(ap->c, STORE_LIMIT, "there are %zu annotations of %zu bytes", o.count, o.bytes);
	return -ECANCELED;
}

int apply_annotate(struct apply *ap, struct step *step)
{
	uint32_t mailbox = step->mailbox != NULL ? step->mailbox->id : 0;
	struct account *a = step->account;
	struct key k;
	int r = step->mailbox != NULL ? apply_check_there(ap, step->mailbox) : 0;

	if (r == 0 && !step->m.no_value)
		r = check_limits(ap, step, mailbox);
	if (r < 0)
		return r;
	key_annotation(&k, a->record.number, mailbox, step->m.name);
	r = step->m.no_value ? apply_del(ap, &k) : apply_put(ap, &k, step->m.meta);
	annotations_changed(a, step->mailbox);
	if (step->mailbox != NULL)
		step->mailbox->notes_stale = true;
	else
		a->notes_stale = true;
	return r;
}

/* RFC 5464 4.1: those of INBOX stay, and the mailbox that takes its messages has them too. */
int apply_copy_annotations(struct apply *ap, struct mailbox *from, struct mailbox *to)
{
	struct account *a = from->account;
	struct gathering g = { .memory = NULL };
	struct key k;
	int r = gather_all(a, from->id, &g);

	for (size_t i = 0; r == 0 && i < g.count; i++) {
		key_annotation(&k, a->record.number, to->id, g.all[i].entry);
		r = apply_put(ap, &k, g.all[i].value);
	}
	if (r == 0 && g.count > 0) {
		annotations_changed(a, to);
		to->notes_stale = true;
	}
	arena_free(g.memory);
	return r;
}

/* --- looking --------------------------------------------------------------- */

struct look_notes {
	struct look look;
	store_annotations_done done;
	uint64_t mailbox;
};

static enum store_status gather(struct look_notes *k, struct gathering *g)
{
	struct account *a = k->look.account;
	int r;

	if (k->mailbox != 0 && mailbox_by_id(a, k->mailbox) == NULL)
		return STORE_NOT_FOUND;
	r = gather_all(a, (uint32_t)k->mailbox, g);
	if (r == 0)
		return STORE_OK;
	return local_index(a->s, r) == -EBADMSG ? STORE_CORRUPT : STORE_TRY_LATER;
}

static enum turn_more notes_try(struct look *l)
{
	struct look_notes *k = (struct look_notes *)l;
	struct gathering g = { .memory = NULL };

	if (l->status == STORE_OK)
		l->status = gather(k, &g);
	if (call_close(&l->call))
		k->done(l->call.arg, l->status, g.all, l->status == STORE_OK ? g.count : 0);
	arena_free(g.memory);
	look_free(l);
	return TURN_DONE;
}

uint64_t look_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg)
{
	struct look_notes *k = (struct look_notes *)look_new(a, sizeof(*k), STORE_RIGHT_READ);

	k->done = done;
	k->mailbox = mailbox;
	return look_start(&k->look, notes_try, arg);
}

/* --- the small file -------------------------------------------------------- */

static int write_note(void *arg, struct span entry, struct span value)
{
	statefile_note(arg, entry, value);
	return 0;
}

int annotations_write(struct account *a, uint32_t mailbox, struct buf *out)
{
	int r;

	statefile_notes_begin(out);
	r = each_note(a, mailbox, write_note, out);
	statefile_notes_end(out);
	return r == 0 && out->failed ? -ENOMEM : r;
}

static int put_notes(struct account *a, uint32_t mailbox, struct span rest)
{
	struct buf entry, value;
	struct key k;
	int r = 0;

	buf_init(&entry, STORE_ENTRY_MAX);
	buf_init(&value, STORE_VALUE_MAX);
	while (r == 0 && statefile_note_next(&rest, &entry, &value)) {
		if (!store_entry_valid(buf_span(&entry)))
			continue;
		key_annotation(&k, a->record.number, mailbox, buf_span(&entry));
		r = local_put(a->s, &k, buf_span(&value));
	}
	buf_clear(&entry);
	buf_clear(&value);
	return r;
}

int annotations_rebuild(struct account *a, uint32_t mailbox, const char *path)
{
	struct span rest = { NULL, 0 };
	struct buf text;
	int r;

	buf_init(&text, STATEFILE_MAX);
	r = files_read(a->s->o.mail_fd, path, "annotations", &text);
	if (r == 0 && !statefile_notes_parse(buf_span(&text), &rest))
		log_warn("store annotations are lost, their file is damaged file=%s/annotations", path);
	r = r == 0 || r == -ENOENT ? put_notes(a, mailbox, rest) : r;
	buf_clear(&text);
	return r;
}
