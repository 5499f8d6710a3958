/*
 * store_parts.h - the parts of `yubin store`.
 *
 *   store_verb.c   the command line · store_open.c  the folders of a store that nobody serves
 *   store_import*.c, store_source*.c  import · store_export*.c  export · store_client.c  the store of one account, of a running server
 *   store_check.c  check, repair, rebuild · store_told.c  how their findings are told
 *   store_backup.h, store_copy.h, store_manifest.h  backup
 *   store_verify.h  verify · store_restore.h  restore
 */
#ifndef ADMIN_STORE_PARTS_H
#define ADMIN_STORE_PARTS_H

#include "admin/verb.h"
#include "storage/local/check.h"

/* One word behind "store". argv[0] is "store", argv[1] the word. Returns the exit code. */
int store_check_run(const struct site *s, int argc, char **argv);
int store_repair_run(const struct site *s, int argc, char **argv);
int store_rebuild_run(const struct site *s, int argc, char **argv);
int store_backup_run(const struct site *s, int argc, char **argv);
int store_verify_run(const struct site *s, int argc, char **argv);
int store_restore_run(const struct site *s, int argc, char **argv);
int store_import_run(const struct site *s, int argc, char **argv);
int store_export_run(const struct site *s, int argc, char **argv);

/* store_account.c: an account's address as it is kept; -ENOENT with words if there is none. */
int store_account(const struct site *s, const char *word, char account[ACCOUNTS_ADDRESS_MAX], struct error *err);

/* --- store_open.c ----------------------------------------------------------- */

struct store_folders {
	struct local_options o; /* for check.h */
	uid_t uid;              /* of the store's user; all is done as that user */
	gid_t gid;
	bool root;
};

enum store_use { STORE_USE_LOOK, STORE_USE_ALONE };

/* Opens mail/, queue/ and db/. ALONE: -EBUSY while a server runs or another process has them; they
 * stay locked until the process ends. From then on it works as the store's user. */
int store_open(struct store_folders *f, const struct site *s, enum store_use use, struct error *err);
/* For check.h: gives it to the store's user. arg: the folders. */
int store_own(void *arg, int at, const char *path);

/* --- store_told.c ----------------------------------------------------------- */

enum store_tone { TONE_CHECK, TONE_DRY, TONE_REPAIR };

struct store_told {
	enum store_tone tone;
	bool json, live;
	uint64_t of_kind[CHECK_KINDS];
	uint64_t told, not_mended;
	uint64_t begun_ms, shown_ms; /* of the progress */
	bool terminal;
	struct store_folders *folders;
};

void store_told_begin(struct store_told *t);
/* For check.h; arg: a store_told. */
void store_told_found(void *arg, const struct check_found *f);
void store_told_progress(void *arg, const struct check_counts *c);
int store_told_own(void *arg, int at, const char *path);
void store_told_end(struct store_told *t, const struct check_counts *c);

#endif
