/* space.c - the contract is in space.h. */
#include "storage/local/space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/inner.h"

enum { SPACE_FRESH_MS = 1000, SPACE_REMAKE_MS = 5000 };

static const char reserve_name[] = "reserve";

struct space {
	struct local *s;
	uint64_t free_bytes;
	uint64_t known_ms; /* when */
	atomic_bool low;   /* the reserve is gone */
	bool low_told;
	struct after_list waits;
	struct job ask, remake;
	bool asking, remaking;
	uint64_t asked_bytes; /* the pool's answer */
	uint64_t remade_ms;
	int remade;
};

static uint64_t reserve_bytes(const struct space *sp)
{
	return sp->s->o.index_cache + 2 * (uint64_t)KV_LOG;
}

static uint64_t measure(const struct space *sp)
{
	struct statvfs st;

	if (fstatvfs(sp->s->o.mail_fd, &st) < 0)
		return 0;
	return (uint64_t)st.f_bavail * st.f_frsize;
}

/* The whole reserve, or none. */
static int reserve_make(const struct space *sp)
{
	int db_fd = sp->s->o.db_fd, fd, r;

	fd = openat(db_fd, reserve_name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = -posix_fallocate(fd, 0, (off_t)reserve_bytes(sp));
	close(fd);
	if (r < 0)
		unlinkat(db_fd, reserve_name, 0);
	return r;
}

int space_new(struct space **out, struct local *s, struct error *err)
{
	struct space *sp = calloc(1, sizeof(*sp));

	*out = sp;
	if (sp == NULL)
		return error_set(err, -ENOMEM, "no memory for the watch over the disk");
	sp->s = s;
	sp->remade = reserve_make(sp);
	sp->low = sp->remade < 0;
	sp->free_bytes = measure(sp);
	sp->known_ms = clock_mono_ms();
	return 0;
}

void space_free(struct space *sp)
{
	free(sp);
}

static void ask_run(struct job *job)
{
	job->s->space->asked_bytes = measure(job->s->space);
}

static void ask_done(struct job *job)
{
	struct space *sp = job->s->space;

	sp->asking = false;
	sp->free_bytes = sp->asked_bytes;
	sp->known_ms = clock_mono_ms();
	after_run(&sp->waits, STORE_OK);
}

bool space_fresh(struct space *sp, struct after *after)
{
	if (clock_mono_ms() - sp->known_ms <= SPACE_FRESH_MS)
		return true;
	after_add(&sp->waits, after);
	if (!sp->asking) {
		sp->asking = true;
		pool_start(sp->s, &sp->ask, ask_run, ask_done);
	}
	return false;
}

bool space_room(const struct space *sp, uint64_t size)
{
	uint64_t least = sp->s->o.min_free;

	return !sp->low && size <= UINT64_MAX - least && sp->free_bytes >= least + size;
}

uint64_t space_free_bytes(const struct space *sp)
{
	return sp->free_bytes;
}

bool space_low(const struct space *sp)
{
	return sp->low;
}

int space_release(struct space *sp)
{
	atomic_store(&sp->low, true);
	return unlinkat(sp->s->o.db_fd, reserve_name, 0) < 0 ? -ENOSPC : 0;
}

static void remake_run(struct job *job)
{
	struct space *sp = job->s->space;

	if (measure(sp) < reserve_bytes(sp) + sp->s->o.min_free)
		sp->remade = -ENOSPC;
	else
		sp->remade = reserve_make(sp);
}

static void remake_done(struct job *job)
{
	struct space *sp = job->s->space;

	sp->remaking = false;
	sp->remade_ms = clock_mono_ms();
	if (sp->remade < 0)
		return;
	sp->low = false;
	sp->low_told = false;
	sp->known_ms = 0;
	log_info("store disk has room again, mail is taken");
}

void space_tick(struct space *sp)
{
	uint64_t need = reserve_bytes(sp) + sp->s->o.min_free;

	if (!sp->low)
		return;
	if (!sp->low_told)
		log_warn("store disk is full, no mail is taken until %" PRIu64 " bytes are free", need);
	sp->low_told = true;
	if (sp->remaking || clock_mono_ms() - sp->remade_ms < SPACE_REMAKE_MS)
		return;
	sp->remaking = true;
	pool_start(sp->s, &sp->remake, remake_run, remake_done);
}
