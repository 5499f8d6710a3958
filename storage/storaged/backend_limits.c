/* backend_limits.c - the contract is in backend.h. */
#include "storage/storaged/backend.h"

void backend_limits(struct local_options *o, const struct config_scope *c)
{
	o->index_cache = (uint64_t)config_number(c, CONFIG_INDEX_CACHE);
	o->min_free = (uint64_t)config_number(c, CONFIG_MIN_FREE);
	o->queue_limit = (uint64_t)config_number(c, CONFIG_QUEUE_LIMIT);
	o->quiet_ms = (uint64_t)config_number(c, CONFIG_QUIET_TIME);
	o->deleted_log_s = (uint64_t)config_number(c, CONFIG_DELETED_LOG_TIME) / 1000;
	o->mailbox_limit = (unsigned)config_number(c, CONFIG_MAILBOX_LIMIT);
	o->keyword_limit = (unsigned)config_number(c, CONFIG_KEYWORD_LIMIT);
	o->quota = (uint64_t)config_number(c, CONFIG_QUOTA);
	o->quota_messages = (uint64_t)config_number(c, CONFIG_QUOTA_MESSAGES);
}
