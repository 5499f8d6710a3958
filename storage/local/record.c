/* record.c - the contract is in record.h. */
#include "storage/local/record.h"

#include <string.h>

/* --- keys ------------------------------------------------------------------ */

static void key_number(struct key *k, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		k->bytes[k->n++] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

void key_kind(struct key *k, enum key_kind kind)
{
	k->n = 1;
	k->bytes[0] = (uint8_t)kind;
}

static void key_text(struct key *k, struct span text)
{
	size_t n = text.n < sizeof(k->bytes) - k->n ? text.n : sizeof(k->bytes) - k->n;

	memcpy(k->bytes + k->n, text.p, n);
	k->n += n;
}

void key_named(struct key *k, enum key_kind kind, struct span name)
{
	key_kind(k, kind);
	key_text(k, name);
}

void key_account(struct key *k, enum key_kind kind, uint32_t account)
{
	key_kind(k, kind);
	key_number(k, account, 4);
}

void key_mailbox(struct key *k, enum key_kind kind, uint32_t account, uint32_t mailbox)
{
	key_account(k, kind, account);
	key_number(k, mailbox, 4);
}

void key_record(struct key *k, uint32_t account, uint32_t mailbox, uint32_t uid)
{
	key_mailbox(k, KEY_RECORD, account, mailbox);
	key_number(k, uid, 4);
}

void key_log(struct key *k, uint32_t account, uint32_t mailbox, uint64_t modseq, enum log_kind kind)
{
	key_mailbox(k, KEY_LOG, account, mailbox);
	key_number(k, modseq, 8);
	key_number(k, kind, 1);
}

void key_absent(struct key *k, uint32_t account, struct span name)
{
	key_account(k, KEY_ABSENT, account);
	key_text(k, name);
}

void key_annotation(struct key *k, uint32_t account, uint32_t mailbox, struct span entry)
{
	key_mailbox(k, KEY_ANNOTATION, account, mailbox);
	key_text(k, entry);
}

void key_txid(struct key *k, uint64_t sequence)
{
	key_kind(k, KEY_TXID);
	key_number(k, sequence, 8);
}

void key_queue_entry(struct key *k, struct span id)
{
	key_named(k, KEY_QUEUE, id);
	key_number(k, 0, 1);
}

void key_queue(struct key *k, struct span id, uint32_t job)
{
	key_queue_entry(k, id);
	key_number(k, job, 2);
}

void key_end(struct key *end, const struct key *k)
{
	*end = *k;
	while (end->n > 0 && end->bytes[end->n - 1] == 0xff)
		end->n--;
	if (end->n > 0)
		end->bytes[end->n - 1]++;
}

struct span key_span(const struct key *k)
{
	return (struct span){ k->bytes, k->n };
}

static uint64_t key_take(struct span key, size_t at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = at; i < at + bytes && i < key.n; i++)
		value = value << 8 | key.p[i];
	return value;
}

uint32_t key_get_account(struct span key)
{
	return (uint32_t)key_take(key, 1, 4);
}

uint32_t key_get_mailbox(struct span key)
{
	return (uint32_t)key_take(key, 5, 4);
}

uint32_t key_get_uid(struct span key)
{
	return (uint32_t)key_take(key, 9, 4);
}

uint64_t key_get_modseq(struct span key)
{
	return key_take(key, 9, 8);
}

enum log_kind key_get_kind(struct span key)
{
	return key_take(key, 17, 1) == LOG_CHANGED ? LOG_CHANGED : LOG_VANISHED;
}

struct span key_get_entry(struct span key)
{
	span_take(&key, 9);
	return key;
}

uint64_t key_get_sequence(struct span key)
{
	return key_take(key, 1, 8);
}

bool key_get_queue(struct span key, char id[STORE_ID_MAX], uint32_t *job)
{
	size_t n = key.n - 4; /* between the letter, and the NUL and the job */

	if (key.n < 5 || n >= STORE_ID_MAX || key.p[1 + n] != 0)
		return false;
	memcpy(id, key.p + 1, n);
	id[n] = '\0';
	*job = (uint32_t)key_take(key, 2 + n, 2);
	return strlen(id) == n;
}

/* --- values ---------------------------------------------------------------- */

void value_put(struct buf *out, uint64_t number)
{
	while (number >= 0x80) {
		buf_put_byte(out, (uint8_t)(number | 0x80));
		number >>= 7;
	}
	buf_put_byte(out, (uint8_t)number);
}

bool value_take(struct span *in, uint64_t max, uint64_t *number)
{
	const uint8_t *p = in->p;
	size_t n = in->n < 10 ? in->n : 10;
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 9 && p[i] > 1)
			return false;
		value |= (uint64_t)(p[i] & 0x7f) << 7 * i;
		if (p[i] < 0x80) {
			span_take(in, i + 1);
			*number = value;
			return value <= max;
		}
	}
	return false;
}

void value_put_span(struct buf *out, struct span s)
{
	value_put(out, s.n);
	buf_put(out, s);
}

bool value_take_span(struct span *in, struct span *s)
{
	uint64_t n;

	if (!value_take(in, in->n, &n) || n > in->n)
		return false;
	*s = span_take(in, (size_t)n);
	return true;
}

/* Times before 1970 are rare, but may stand in an APPEND. */
void value_put_time(struct buf *out, int64_t time_s)
{
	value_put(out, (uint64_t)time_s << 1 ^ (time_s < 0 ? UINT64_MAX : 0));
}

bool value_take_time(struct span *in, int64_t *time_s)
{
	uint64_t value;

	if (!value_take(in, UINT64_MAX, &value))
		return false;
	*time_s = (int64_t)(value >> 1 ^ (~(value & 1) + 1));
	return true;
}

bool value_take_32(struct span *in, uint32_t *out)
{
	uint64_t value;

	if (!value_take(in, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool take_64(struct span *in, uint64_t *out)
{
	return value_take(in, UINT64_MAX, out);
}

static bool take_byte(struct span *in, uint8_t max, uint8_t *out)
{
	uint64_t value;

	if (!value_take(in, max, &value))
		return false;
	*out = (uint8_t)value;
	return true;
}

void message_encode(struct buf *out, const struct message *m)
{
	value_put(out, m->r.flags);
	value_put(out, m->r.keywords);
	value_put(out, m->r.modseq);
	buf_put(out, (struct span){ m->r.guid, STORE_GUID });
	value_put(out, m->r.size);
	value_put_time(out, m->r.internal_s);
	value_put_time(out, m->r.saved_s);
	value_put(out, m->r.meta_offset);
	value_put(out, m->r.meta_length);
	buf_put(out, m->address);
}

bool message_decode(struct span value, uint32_t uid, struct message *m)
{
	struct store_record *r = &m->r;
	struct span guid;
	uint8_t flags;

	r->uid = uid;
	if (!take_byte(&value, STORE_FLAGS_ALL, &flags) || !take_64(&value, &r->keywords) ||
	    !take_64(&value, &r->modseq))
		return false;
	r->flags = flags;
	guid = span_take(&value, STORE_GUID);
	if (guid.n != STORE_GUID)
		return false;
	memcpy(r->guid, guid.p, STORE_GUID);
	if (!take_64(&value, &r->size) || !value_take_time(&value, &r->internal_s) ||
	    !value_take_time(&value, &r->saved_s) || !take_64(&value, &r->meta_offset) ||
	    !value_take_32(&value, &r->meta_length))
		return false;
	m->address = value;
	return true;
}

void head_encode(struct buf *out, const struct head *h, struct span name)
{
	value_put(out, h->role);
	value_put(out, h->subscribed);
	value_put(out, h->uidvalidity);
	value_put(out, h->uidnext);
	value_put(out, h->recent_uid);
	value_put(out, h->modseq);
	value_put(out, h->exists);
	value_put(out, h->unseen);
	value_put(out, h->deleted);
	value_put(out, h->unseen_hint);
	value_put(out, h->size);
	value_put(out, h->uid_floor);
	value_put(out, h->modseq_floor);
	value_put(out, h->log_floor);
	value_put(out, h->log_count);
	value_put(out, h->expunges);
	value_put(out, h->flags_modseq);
	buf_put(out, name);
}

bool head_decode(struct span value, struct head *h, struct span *name)
{
	bool ok = take_byte(&value, STORE_ROLE_ARCHIVE, &h->role) && take_byte(&value, 1, &h->subscribed) &&
		  value_take_32(&value, &h->uidvalidity) && value_take_32(&value, &h->uidnext) &&
		  value_take_32(&value, &h->recent_uid) && take_64(&value, &h->modseq) &&
		  value_take_32(&value, &h->exists) && value_take_32(&value, &h->unseen) &&
		  value_take_32(&value, &h->deleted) && value_take_32(&value, &h->unseen_hint) &&
		  take_64(&value, &h->size) && value_take_32(&value, &h->uid_floor) &&
		  take_64(&value, &h->modseq_floor) && take_64(&value, &h->log_floor) &&
		  value_take_32(&value, &h->log_count) && value_take_32(&value, &h->expunges) &&
		  take_64(&value, &h->flags_modseq);

	*name = value;
	return ok && value.n > 0 && value.n <= STORE_NAME_MAX;
}

void account_encode(struct buf *out, const struct account_record *a)
{
	value_put(out, a->number);
	value_put(out, a->next_mailbox);
	value_put(out, a->uidvalidity);
	value_put(out, a->derived_end);
}

bool account_decode(struct span value, struct account_record *a)
{
	return value_take_32(&value, &a->number) && value_take_32(&value, &a->next_mailbox) &&
	       value_take_32(&value, &a->uidvalidity) && take_64(&value, &a->derived_end);
}

void log_encode(struct buf *out, int64_t time_s, const struct ranges *r)
{
	uint32_t before = 0;

	value_put_time(out, time_s);
	for (size_t i = 0; i < r->count; i++) {
		value_put(out, r->at[i].first - before);
		value_put(out, r->at[i].last - r->at[i].first);
		before = r->at[i].last;
	}
}

bool log_decode(struct span value, int64_t *time_s, struct ranges *r)
{
	uint64_t before = 0;
	uint32_t gap, more;

	if (!value_take_time(&value, time_s))
		return false;
	while (value.n > 0 && r != NULL) {
		if (!value_take_32(&value, &gap) || !value_take_32(&value, &more) || gap == 0 ||
		    before + gap + more > UINT32_MAX)
			return false;
		ranges_push(r, (uint32_t)(before + gap), (uint32_t)(before + gap + more));
		before += (uint64_t)gap + more;
	}
	return true;
}

void complete_encode(struct buf *out, uint32_t next_account)
{
	value_put(out, (uint64_t)RECORD_FORMAT << 32 | next_account);
}

bool complete_decode(struct span value, uint32_t *next_account)
{
	uint64_t both;

	if (!take_64(&value, &both) || both >> 32 != RECORD_FORMAT)
		return false;
	*next_account = (uint32_t)both;
	return true;
}

void number_encode(struct buf *out, uint64_t value)
{
	value_put(out, value);
}

bool number_decode(struct span value, uint64_t *out)
{
	return take_64(&value, out);
}
