/*
 * files.h - the calls to the file system that block, each whole in itself. Only pool
 * threads and the start of the store call them.
 *
 * Paths are relative to the mail folder, whose descriptor comes first. Files are 0600,
 * folders 0700. Returns are 0 or a negative errno.
 */
#ifndef STORAGE_LOCAL_FILES_H
#define STORAGE_LOCAL_FILES_H

#include <sys/stat.h>

#include "common/base/buf.h"
#include "storage/local/names.h"

/* Writes the file beside the old one, syncs it, puts it in its place, syncs the folder:
 * after a crash there is the old or the new one, whole. */
int files_replace(int mail_fd, const char *folder, const char *name, struct span text);

/* Opens a regular file for reading; extra: O_CREAT, or 0. The descriptor, or -ELOOP for anything else: a FIFO
 * would hold the thread, a device or a link give what is no mail. */
int files_open(int at, const char *path, int extra, struct stat *st);

/* Appends the whole file to out. -ENOENT; -EFBIG over out's max. */
int files_read(int mail_fd, const char *folder, const char *name, struct buf *out);

/* DOMAIN/USER, with what is missing of it, synced. */
int files_make_account(int mail_fd, const char *folder);
/* A mailbox's folder with `cur` and its state file, synced, but for its own name. */
int files_make_mailbox(int mail_fd, const char *mailbox, struct span state);
/* Removes it. First its state file gets this name, so that a rebuild finds no mailbox.
 * -ENOENT is 0. */
extern const char files_deleted[];
int files_remove_mailbox(int mail_fd, const char *mailbox);

/* Makes names that were changed in a folder durable. sub: "/cur" or "". */
int files_sync_folder(int mail_fd, const char *folder, const char *sub);

/* A file without a name in the folder tmp, open for reading and writing: a body on its
 * way. Where the file system has no such files it has the name, else name is empty. */
enum { FILES_TMP_NAME = 24 };
int files_tmp(int tmp_fd, int *fd, char name[FILES_TMP_NAME]);
/* The same file once more, read-only. proc_fd is /proc/self/fd. */
int files_tmp_reopen(int tmp_fd, int proc_fd, int fd, const char *name, int *again);
/* Puts all of it at the offset. */
int files_write(int fd, struct span bytes, uint64_t offset);

/* Is all of the file system on disk when syncfs says so? Some that live in a process or on another machine are not
 * told, or say so at once: there every file is synced by itself. */
bool files_syncs_whole(int fd);

/* A message's file with these bytes and this date, under its name at once: its mailbox is marked dirty, and no index
 * knows it. 1: it lies in another file system than `device`, and is synced. */
int files_make(int mail_fd, const char *path, struct span bytes, int64_t date_s, dev_t device);
/* Syncs the file. */
int files_sync(int mail_fd, const char *path);

/* Gives the file fd (named name in tmp, or nothing) the name path; a copy where the file
 * system refuses a link (EMLINK, EXDEV): files_link_new gives 1 then. */
struct files_source {
	int tmp_fd, proc_fd, fd;
	const char *name;
};
int files_link_new(int mail_fd, const struct files_source *from, const char *path);
/* The same for a message that has a name. */
int files_link_old(int mail_fd, const char *from, const char *path);

#endif
