/* kv.c - the contract is in kv.h. Berkeley DB 5.3: one private environment, one btree. */
#include "storage/local/kv.h"

#include <db.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dirent.h>

#include "common/base/log.h"

enum {
	KV_PAGE = 4096,
	KV_LOG_BUFFER = KV_LOG / 4, /* the most that a log file of this size allows */
	KV_MUTEXES = 200,            /* at first */
	KV_KEY_MAX = 1100,
	KV_BULK_FIRST = 4 * KV_PAGE, /* bytes read by a scan at first, ... */
	KV_BULK = 64 * 1024          /* ... and from then on */
};

static const char index_name[] = "index";

struct kv {
	DB_ENV *env;
	DB *db;
	DB_TXN *txn; /* the one that is open, or NULL */
	void *value; /* what kv_get lends */
	uint32_t value_room;
	struct kv_scan *spare; /* one that is kept for the next kv_scan_open */
	uint64_t written;      /* bytes of keys and values since the last checkpoint */
	atomic_bool checkpointed;
};

struct kv_scan {
	struct kv *kv;
	DBT bulk;      /* pairs that were read ahead */
	uint32_t room; /* bytes allocated for them */
	void *at;      /* Berkeley's place in them; NULL: all given */
	uint8_t from[KV_KEY_MAX + 1], end[KV_KEY_MAX];
	size_t from_n, end_n; /* the next read starts at `from` */
	bool filled;          /* a read has been done */
};

/* --- opening --------------------------------------------------------------- */

static int kv_error(int code)
{
	switch (code) {
	case 0:
		return 0;
	case DB_NOTFOUND:
		return -ENOENT;
	case DB_RUNRECOVERY:
		return -ENOTRECOVERABLE;
	}
	return code > 0 ? -code : -EIO;
}

static void kv_words(const DB_ENV *env, const char *prefix, const char *words)
{
	(void)env;
	(void)prefix;
	log_warn("index library says: %s", words);
}

/* Notes why the library gave up: a disk that is full is no damage. The first time it says so; from then on it says that
 * it has given up. */
static void kv_event(DB_ENV *env, uint32_t event, void *info)
{
	int *panic = env->app_private;

	if (event == DB_EVENT_PANIC && info != NULL && panic != NULL && *panic <= 0)
		*panic = *(int *)info;
}

static int env_open(DB_ENV **out, uint64_t cache, int *panic)
{
	const uint32_t flags =
	    DB_CREATE | DB_PRIVATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_THREAD | DB_RECOVER;
	DB_ENV *env;
	int r = db_env_create(&env, 0);

	*out = NULL;
	if (r != 0)
		return r;
	env->set_errcall(env, kv_words);
	env->app_private = panic;
	env->set_event_notify(env, kv_event);
	r = env->set_cachesize(env, (uint32_t)(cache >> 30), (uint32_t)(cache & ((1 << 30) - 1)), 1);
	if (r == 0)
		r = env->set_lg_bsize(env, KV_LOG_BUFFER);
	if (r == 0)
		r = env->set_lg_max(env, KV_LOG);
	if (r == 0) /* a sync of a log that does not grow writes nothing but the log */
		r = env->log_set_config(env, DB_LOG_ZERO, 1);
	if (r == 0) /* more are made when the cache fills */
		r = env->mutex_set_init(env, KV_MUTEXES);
	if (r == 0)
		r = env->open(env, ".", flags, 0600);
	if (r == 0) {
		*out = env;
		return 0;
	}
	env->close(env, 0);
	return r;
}

static int db_open(struct kv *kv)
{
	DB *db;
	int r = db_create(&db, kv->env, 0);

	if (r != 0)
		return r;
	r = db->set_pagesize(db, KV_PAGE);
	if (r == 0)
		r = db->set_flags(db, DB_CHKSUM);
	if (r == 0)
		r = db->open(db, NULL, index_name, NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT | DB_THREAD,
			     0600);
	if (r == 0)
		kv->db = db;
	else
		db->close(db, DB_NOSYNC);
	return r;
}

/* What a machine lacks is no damage. */
static int opening_error(struct error *err, int r)
{
	if (r == ENOSPC || r == ENOMEM || r == EACCES || r == EPERM || r == EROFS || r == EMFILE)
		return error_system(err, r, "the index can't be opened");
	return error_set(err, -EBADMSG, "the index is damaged: %s", db_strerror(r));
}

int kv_open(struct kv **out, uint64_t cache, struct error *err)
{
	struct kv *kv = calloc(1, sizeof(*kv));
	int r, panic = 0;

	*out = NULL;
	if (kv == NULL)
		return error_set(err, -ENOMEM, "no memory for the index");
	r = env_open(&kv->env, cache, &panic);
	if (r == 0)
		r = db_open(kv);
	if (kv->env != NULL)
		kv->env->app_private = NULL;
	if (r == 0) {
		*out = kv;
		return 0;
	}
	kv_close(kv);
	return opening_error(err, r == DB_RUNRECOVERY && panic > 0 ? panic : r);
}

void kv_close(struct kv *kv)
{
	if (kv == NULL)
		return;
	if (kv->spare != NULL) {
		free(kv->spare->bulk.data);
		free(kv->spare);
	}
	if (kv->db != NULL) {
		kv_checkpoint(kv);
		kv->db->close(kv->db, 0);
	}
	if (kv->env != NULL)
		kv->env->close(kv->env, 0);
	free(kv->value);
	free(kv);
}

int kv_verify(struct error *err)
{
	DB *db;
	int r;

	if (access(index_name, F_OK) < 0)
		return 0;
	r = db_create(&db, NULL, 0);
	if (r == 0)
		r = db->verify(db, index_name, NULL, NULL, 0); /* closes it, too */
	return r == 0 ? 0 : opening_error(err, r);
}

bool kv_is_there(void)
{
	return access(index_name, F_OK) == 0;
}

int kv_wipe(struct error *err)
{
	DIR *d = opendir(".");
	struct dirent *e;

	if (d == NULL)
		return error_system(err, errno, "the folder of the index can't be read");
	while ((e = readdir(d)) != NULL)
		if ((strcmp(e->d_name, index_name) == 0 || strncmp(e->d_name, "log.", 4) == 0 ||
		     strncmp(e->d_name, "__db.", 5) == 0) &&
		    unlink(e->d_name) < 0 && errno != ENOENT) {
			error_system(err, errno, "%s can't be removed", e->d_name);
			closedir(d);
			return err != NULL ? err->code : -EIO;
		}
	closedir(d);
	return 0;
}

/* --- changing -------------------------------------------------------------- */

static DBT dbt_of(struct span s)
{
	return (DBT){ .data = (void *)(uintptr_t)s.p, .size = (uint32_t)s.n };
}

int kv_begin(struct kv *kv)
{
	return kv_error(kv->env->txn_begin(kv->env, NULL, &kv->txn, DB_TXN_NOSYNC));
}

int kv_commit(struct kv *kv)
{
	DB_TXN *txn = kv->txn;

	kv->txn = NULL;
	return kv_error(txn->commit(txn, DB_TXN_NOSYNC));
}

void kv_abort(struct kv *kv)
{
	DB_TXN *txn = kv->txn;

	kv->txn = NULL;
	if (txn != NULL)
		txn->abort(txn);
}

int kv_put(struct kv *kv, struct span key, struct span value)
{
	DBT k = dbt_of(key), v = dbt_of(value);

	kv->written += key.n + value.n + 64;
	return kv_error(kv->db->put(kv->db, kv->txn, &k, &v, 0));
}

int kv_del(struct kv *kv, struct span key)
{
	DBT k = dbt_of(key);
	int r = kv->db->del(kv->db, kv->txn, &k, 0);

	kv->written += key.n + 128;
	return r == DB_NOTFOUND ? 0 : kv_error(r);
}

int kv_get(struct kv *kv, struct span key, struct span *value)
{
	DBT k = dbt_of(key), v = { .data = kv->value, .ulen = kv->value_room, .flags = DB_DBT_USERMEM };
	int r = kv->db->get(kv->db, NULL, &k, &v, 0);

	if (r == DB_BUFFER_SMALL) {
		void *more = realloc(kv->value, v.size);

		if (more == NULL)
			return -ENOMEM;
		kv->value = v.data = more;
		kv->value_room = v.ulen = v.size;
		r = kv->db->get(kv->db, NULL, &k, &v, 0);
	}
	if (r == 0)
		*value = (struct span){ v.data, v.size };
	return kv_error(r);
}

/* --- walking --------------------------------------------------------------- */

struct kv_scan *kv_scan_open(struct kv *kv, struct span from, struct span end)
{
	struct kv_scan *scan = kv->spare;

	if (from.n > KV_KEY_MAX || end.n > KV_KEY_MAX)
		return NULL;
	kv->spare = NULL;
	if (scan == NULL)
		scan = calloc(1, sizeof(*scan));
	if (scan == NULL)
		return NULL;
	scan->kv = kv;
	scan->at = NULL;
	scan->filled = false;
	memcpy(scan->from, from.p, from.n);
	memcpy(scan->end, end.p, end.n);
	scan->from_n = from.n;
	scan->end_n = end.n;
	return scan;
}

static bool scan_room(struct kv_scan *scan, uint32_t want)
{
	void *more;

	if (scan->room >= want)
		return true;
	more = realloc(scan->bulk.data, want);
	if (more == NULL)
		return false;
	scan->bulk.data = more;
	scan->room = want;
	return true;
}

/* Reads ahead from scan->from on. */
static int scan_fill(struct kv_scan *scan)
{
	uint8_t key[KV_KEY_MAX + 1];
	uint32_t want = scan->filled ? KV_BULK : KV_BULK_FIRST;
	DBC *cursor = NULL;
	int r;

	for (;;) {
		DBT k = { .data = key,
			  .size = (uint32_t)scan->from_n,
			  .ulen = sizeof(key),
			  .flags = DB_DBT_USERMEM };

		if (!scan_room(scan, want))
			return -ENOMEM;
		scan->bulk.ulen = want;
		scan->bulk.flags = DB_DBT_USERMEM;
		memcpy(key, scan->from, scan->from_n);
		r = scan->kv->db->cursor(scan->kv->db, NULL, &cursor, 0);
		if (r != 0)
			return kv_error(r);
		r = cursor->get(cursor, &k, &scan->bulk, DB_SET_RANGE | DB_MULTIPLE_KEY);
		cursor->close(cursor);
		if (r != DB_BUFFER_SMALL)
			break;
		want =
		    (scan->bulk.size > want ? scan->bulk.size : want) + KV_BULK; /* one pair that is larger */
		want -= want % 1024;
	}
	if (r == 0)
		DB_MULTIPLE_INIT(scan->at, &scan->bulk);
	return kv_error(r);
}

static bool key_below(struct span key, const uint8_t *end, size_t end_n)
{
	int c = memcmp(key.p, end, key.n < end_n ? key.n : end_n);

	return c < 0 || (c == 0 && key.n < end_n);
}

int kv_scan_next(struct kv_scan *scan, struct span *key, struct span *value)
{
	void *k, *v;
	size_t k_n = 0, v_n = 0;

	for (;;) {
		if (scan->at == NULL) {
			int r = scan_fill(scan);

			if (r < 0)
				return r == -ENOENT ? 0 : r;
			if (scan->at == NULL)
				return -EIO;
			scan->filled = true;
		}
		DB_MULTIPLE_KEY_NEXT(scan->at, &scan->bulk, k, k_n, v, v_n);
		if (scan->at == NULL)
			continue; /* all given: read on */
		*key = (struct span){ k, k_n };
		*value = (struct span){ v, v_n };
		if (!key_below(*key, scan->end, scan->end_n))
			return 0;
		if (k_n > KV_KEY_MAX)
			return -EIO;
		memcpy(scan->from, k, k_n);
		scan->from[k_n] = 0; /* the least key behind this one */
		scan->from_n = k_n + 1;
		return 1;
	}
}

void kv_scan_close(struct kv_scan *scan)
{
	if (scan == NULL)
		return;
	if (scan->kv->spare == NULL && scan->room <= KV_BULK) {
		scan->kv->spare = scan;
		return;
	}
	free(scan->bulk.data);
	free(scan);
}

/* --- to disk --------------------------------------------------------------- */

int kv_flush(struct kv *kv)
{
	return kv_error(kv->env->log_flush(kv->env, NULL));
}

bool kv_checkpoint_due(struct kv *kv)
{
	if (atomic_exchange(&kv->checkpointed, false))
		kv->written = 0;
	return kv->written > KV_CHECKPOINT / 2;
}

/* Removes the logs that no recovery would read. By their names in this folder: the library's own
 * way goes through the whole path, which only root may walk. */
static int kv_remove_logs(struct kv *kv)
{
	char **names = NULL;
	int r = kv->env->log_archive(kv->env, &names, 0);

	for (char **name = names; r == 0 && names != NULL && *name != NULL; name++)
		if (unlink(*name) < 0 && errno != ENOENT)
			r = errno;
	free(names);
	return r;
}

int kv_checkpoint(struct kv *kv)
{
	int r = kv->env->txn_checkpoint(kv->env, 0, 0, 0);

	if (r == 0)
		r = kv_remove_logs(kv);
	if (r == 0)
		atomic_store(&kv->checkpointed, true);
	return kv_error(r);
}
