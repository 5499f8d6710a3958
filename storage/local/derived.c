/* derived.c - entries at the end of an account's file of derived metadata (storage/meta.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "storage/local/files.h"
#include "storage/local/inner.h"
#include "storage/meta.h"

void derived_take(struct step *step)
{
	struct account *a = step->account;

	step->derived_at = a->derived_take;
	a->derived_take += STORE_META_HEADER + step->m.meta.n;
	step->message.r.meta_offset = step->derived_at;
	step->message.r.meta_length = (uint32_t)step->m.meta.n;
}

/* Not synced: an entry that a crash tears reads as none. */
int derived_write(int mail_fd, const char *folder, uint64_t at, const uint8_t guid[STORE_GUID],
		  struct span meta)
{
	uint8_t header[STORE_META_HEADER];
	char path[NAMES_PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/derived", folder);
	fd = openat(mail_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	store_meta_header(header, guid, meta);
	r = files_write(fd, (struct span){ header, sizeof(header) }, at);
	if (r == 0)
		r = files_write(fd, meta, at + sizeof(header));
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}
