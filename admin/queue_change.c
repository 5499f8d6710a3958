/* queue_change.c - flush, hold, release, delete, bounce, route: what fits is changed, and counted. */
#include <errno.h>

#include "admin/queue_parts.h"
#include "admin/sheet.h"

static const char *const deeds[] = {
	[QUEUE_ACT_FLUSH] = "due now",
	[QUEUE_ACT_HOLD] = "held",
	[QUEUE_ACT_RELEASE] = "released",
	[QUEUE_ACT_DELETE] = "deleted; nobody is told",
	[QUEUE_ACT_BOUNCE] = "go back to their senders",
	[QUEUE_ACT_ROUTE] = "go another way",
};

static void say(const struct queue_acted *done, enum queue_action action)
{
	char entries[SHEET_NUMBER], recipients[SHEET_NUMBER];

	printf("%s message%s, %s recipient%s: %s.\n", sheet_number(done->entries, entries),
	       done->entries == 1 ? "" : "s", sheet_number(done->recipients, recipients),
	       done->recipients == 1 ? "" : "s", deeds[action]);
}

static int change_ids(const struct site *s, const struct queue_line *l, struct queue_order *o,
		      struct queue_acted *done)
{
	int code = VERB_DONE;
	struct error err;

	for (int i = 0; i < l->id_count; i++) {
		size_t before = done->entries;

		o->filter.id = span_of(l->ids[i]);
		if (queue_change(s, o, done, &err) < 0)
			return verb_failed(&err);
		if (done->entries == before) {
			error_set(&err, -ENOENT,
				  l->filtered ? "%s does not fit, or is not in the queue"
					      : "there is no %s in the queue",
				  l->ids[i]);
			code = verb_failed(&err);
		}
	}
	return code;
}

int queue_change_run(const struct site *s, const struct queue_line *l, enum queue_action action)
{
	struct queue_order o = { .what = (int)action, .filter = l->filter, .route = span_of(l->route) };
	struct queue_acted done = { 0, 0 };
	struct error err;
	int code = VERB_DONE;

	if (l->id_count > 0)
		code = change_ids(s, l, &o, &done);
	else if (queue_change(s, &o, &done, &err) < 0)
		code = verb_failed(&err);
	if (code == VERB_DONE || done.entries > 0)
		say(&done, action);
	return code;
}
