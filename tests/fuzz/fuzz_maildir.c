/* fuzz_maildir.c - any bytes as names of files, folders, subscriptions, and as dovecot-uidlist. A folder that
 * was read is written in a form that is read as the same.
 * link: formats common/base */
#include <stdlib.h>
#include <string.h>

#include "formats/maildir.h"
#include "formats/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void folder(struct span in)
{
	struct buf name, written, again;

	buf_init(&name, 1 << 16);
	buf_init(&written, 1 << 20);
	buf_init(&again, 1 << 16);
	if (in.n < 1000 && maildir_folder_read(in, &name)) {
		maildir_folder_write(&written, buf_span(&name));
		if (!maildir_folder_read(buf_span(&written), &again) || !span_equal(buf_span(&name), buf_span(&again)))
			abort();
	}
	buf_clear(&name);
	buf_clear(&written);
	buf_clear(&again);
}

static void subscriptions(struct span in)
{
	unsigned version = 0;
	struct buf name;

	buf_init(&name, 1 << 16);
	while (maildir_subscribed_next(&in, &version, &name)) {
		if (name.n == 0)
			abort();
		buf_reset(&name);
	}
	buf_clear(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size }, words[MAILDIR_KEYWORDS], file;
	struct maildir_name name;
	struct uidlist l;
	uint32_t uid, last = 0;

	if (maildir_name_read(in, &name) && name.unique.n == 0)
		abort();
	maildir_keywords_read(in, words);
	folder(in);
	subscriptions(in);
	if (!uidlist_begin(&l, in))
		return 0;
	while (uidlist_next(&l, &uid, &file)) {
		if (uid <= last || file.n == 0 || memchr(file.p, '/', file.n) != NULL)
			abort();
		last = uid;
	}
	return 0;
}
