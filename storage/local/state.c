/*
 * state.c - the state file of a mailbox, written when a block of UIDs or mod-sequences is
 * taken and when what it holds has changed.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/inner.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"

struct saving {
	struct job job;
	struct mailbox *mailbox; /* held, its account too */
	struct head head;        /* as it will be */
	struct buf text;
	int result;
};

static bool floors_reached(const struct mailbox *m, uint32_t uid_ahead, uint64_t modseq_ahead)
{
	return m->uid_take + m->uid_promised + uid_ahead > m->head.uid_floor ||
	       m->head.modseq + m->modseq_promised + modseq_ahead > m->head.modseq_floor;
}

static void save_run(struct job *job)
{
	struct saving *save = (struct saving *)job;
	char path[NAMES_MAILBOX_MAX];

	names_mailbox(path, save->mailbox->account->folder, save->mailbox->id);
	save->result = files_replace(job->s->o.mail_fd, path, "state", buf_span(&save->text));
	if (save->result == -ENOSPC && space_release(job->s->space) == 0)
		save->result = files_replace(job->s->o.mail_fd, path, "state", buf_span(&save->text));
}

static void save_done(struct job *job)
{
	struct saving *save = (struct saving *)job;
	struct mailbox *m = save->mailbox;
	struct account *a = m->account;
	char name[STORE_ACCOUNT_MAX * 4];
	bool again = m->save_again;

	m->saving = m->save_again = false;
	if (save->result == 0) {
		m->head.uid_floor = save->head.uid_floor;
		m->head.modseq_floor = save->head.modseq_floor;
	} else if (!m->gone) {
		m->state_stale = true;
		if (!a->s->closing)
			settle_later(a);
		log_warn("store state file not written account=%s mailbox=%08x error=%d",
			 escape_text(name, sizeof(name), span_of(a->name)), m->id, -save->result);
	}
	if (save->result == 0 && (again || floors_reached(m, 0, 0)))
		state_save(m);
	if (save->result < 0 || !m->saving || !floors_reached(m, 0, 0))
		after_run(&m->floor_waits, save->result == 0 ? STORE_OK : STORE_TRY_LATER);
	buf_clear(&save->text);
	free(save);
	mailbox_rest(m);
	mailbox_release(m);
	account_release(a);
}

void state_save(struct mailbox *m)
{
	struct saving *save;

	if (m->saving || m->gone) {
		m->save_again = true;
		return;
	}
	save = local_alloc(sizeof(*save));
	save->mailbox = m;
	save->head = m->head;
	save->head.uid_floor = (uint32_t)(m->uid_take + m->uid_promised + LOCAL_UID_BLOCK);
	save->head.modseq_floor = m->head.modseq + m->modseq_promised + LOCAL_MODSEQ_BLOCK;
	if (save->head.uid_floor < m->head.uid_floor)
		save->head.uid_floor = m->head.uid_floor;
	if (save->head.modseq_floor < m->head.modseq_floor)
		save->head.modseq_floor = m->head.modseq_floor;
	buf_init(&save->text, STATEFILE_MAX);
	statefile_mailbox(&save->text, &save->head, m->name);
	m->saving = true;
	m->state_stale = false;
	mailbox_hold(m);
	account_keep(m->account);
	pool_start(m->account->s, &save->job, save_run, save_done);
}

bool state_raise(struct mailbox *m, struct after *after)
{
	bool now = floors_reached(m, 0, 0);

	if (now)
		after_add(&m->floor_waits, after);
	if ((now || floors_reached(m, LOCAL_UID_BLOCK / 4, LOCAL_MODSEQ_BLOCK / 4)) && !m->saving)
		state_save(m);
	return now;
}
