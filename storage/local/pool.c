/* pool.c - the contract is in pool.h. */
#include "storage/local/inner.h"

static void pool_run(uv_work_t *work)
{
	struct job *job = work->data;

	job->run(job);
}

static void pool_done(uv_work_t *work, int status)
{
	struct job *job = work->data;
	struct local *s = job->s;

	(void)status;
	s->job_count--;
	local_rest(s);
	job->done(job);
}

void pool_start(struct local *s, struct job *job, void (*run)(struct job *job), void (*done)(struct job *job))
{
	job->s = s;
	job->run = run;
	job->done = done;
	job->work.data = job;
	s->job_count++;
	uv_queue_work(s->loop, &job->work, pool_run, pool_done);
}
