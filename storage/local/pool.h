/*
 * pool.h - work that blocks, on libuv's threads. A job stands in its owner's struct.
 */
#ifndef STORAGE_LOCAL_POOL_H
#define STORAGE_LOCAL_POOL_H

#include <uv.h>

struct local;

struct job {
	uv_work_t work;
	struct local *s;
	void (*run)(struct job *job);  /* on a thread of the pool */
	void (*done)(struct job *job); /* on the loop thread; may free the job */
};

void pool_start(struct local *s, struct job *job, void (*run)(struct job *job),
		void (*done)(struct job *job));

#endif
