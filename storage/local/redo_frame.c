/* redo_frame.c - the contract is in redo_frame.h. */
#define XXH_INLINE_ALL
#include "storage/local/redo_frame.h"

#include <string.h>
#include <xxhash.h>

#include "storage/local/record.h"

enum { NAME_MESSAGE = 'M', NAME_LETTER = 'L', ENTRY_BODY = 'B' };

static const uint8_t magic[8] = "YbRd";

static void put_number(uint8_t *at, uint64_t number)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(number >> 8 * (7 - i));
}

static uint64_t get_number(const uint8_t *at)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 8; i++)
		number = number << 8 | at[i];
	return number;
}

/* --- writing ------------------------------------------------------------------- */

void redo_frame_begin(struct buf *frame)
{
	static const uint8_t head[REDO_HEAD];

	buf_reset(frame);
	buf_put(frame, (struct span){ head, sizeof(head) });
}

void redo_put_message(struct buf *frame, struct span account, uint32_t mailbox, uint32_t uid,
		      const uint8_t guid[STORE_GUID])
{
	buf_put_byte(frame, NAME_MESSAGE);
	value_put_span(frame, account);
	value_put(frame, mailbox);
	value_put(frame, uid);
	buf_put(frame, (struct span){ guid, STORE_GUID });
}

void redo_put_letter(struct buf *frame, struct span id)
{
	buf_put_byte(frame, NAME_LETTER);
	value_put_span(frame, id);
}

void redo_put_body(struct buf *frame, int64_t date_s, struct span body)
{
	buf_put_byte(frame, ENTRY_BODY);
	value_put_time(frame, date_s);
	value_put_span(frame, body);
}

size_t redo_frame_size(size_t entries)
{
	return (REDO_HEAD + entries + REDO_SECTOR - 1) / REDO_SECTOR * REDO_SECTOR;
}

void redo_frame_end(struct buf *frame, uint64_t number)
{
	static const uint8_t zeros[REDO_SECTOR];
	size_t entries = frame->n - REDO_HEAD;

	buf_put(frame, (struct span){ zeros, redo_frame_size(entries) - frame->n });
	if (frame->failed)
		return;
	memcpy(frame->p, magic, sizeof(magic));
	put_number(frame->p + 8, number);
	put_number(frame->p + 16, entries);
	put_number(frame->p + 24, XXH3_64bits_withSeed(frame->p + REDO_HEAD, entries, number));
}

/* --- reading --------------------------------------------------------------------- */

bool redo_take_frame(struct span *log, uint64_t *number, struct span *entries)
{
	uint64_t own, n;

	if (log->n < REDO_HEAD || memcmp(log->p, magic, sizeof(magic)) != 0)
		return false;
	own = get_number(log->p + 8);
	n = get_number(log->p + 16);
	if (n > REDO_LOG || redo_frame_size((size_t)n) > log->n || (*number != 0 && own != *number) ||
	    get_number(log->p + 24) != XXH3_64bits_withSeed(log->p + REDO_HEAD, (size_t)n, own))
		return false;
	*number = own;
	*entries = (struct span){ log->p + REDO_HEAD, (size_t)n };
	span_take(log, redo_frame_size((size_t)n));
	return true;
}

bool redo_take_name(struct span *names, struct redo_name *name)
{
	uint8_t kind = names->n > 0 ? names->p[0] : ENTRY_BODY;

	*name = (struct redo_name){ .letter = kind == NAME_LETTER };
	if (kind != NAME_LETTER && kind != NAME_MESSAGE)
		return false;
	span_take(names, 1);
	if (kind == NAME_LETTER)
		return value_take_span(names, &name->id);
	if (!value_take_span(names, &name->account) || !value_take_32(names, &name->mailbox) || !value_take_32(names, &name->uid) ||
	    names->n < STORE_GUID)
		return false;
	memcpy(name->guid, span_take(names, STORE_GUID).p, STORE_GUID);
	return true;
}

bool redo_take_entry(struct span *entries, struct redo_entry *e)
{
	struct span from = *entries;
	struct redo_name name;

	while (redo_take_name(entries, &name))
		;
	e->names = (struct span){ from.p, from.n - entries->n };
	if (entries->n == 0 || entries->p[0] != ENTRY_BODY)
		return false;
	span_take(entries, 1);
	return value_take_time(entries, &e->date_s) && value_take_span(entries, &e->body);
}
