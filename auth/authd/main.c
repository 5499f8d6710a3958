/* main.c - authd's process: settings and sockets come from yubind, the rest is authd.h's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/authd/authd.h"
#include "common/base/log.h"
#include "common/proc/worker.h"

struct state {
	struct worker *w;
	struct authd *d;
};

static void on_revoke(void *arg, const char *account)
{
	struct state *s = arg;

	worker_revoke(s->w, account);
}

static bool is_exempt(void *arg, const char *address)
{
	struct state *s = arg;

	return config_in_networks(config_top(worker_site(s->w)), CONFIG_LIMIT_EXEMPT, address);
}

/* The pool must hold all hashes that may run at once, and is made when the first one is. */
static void size_pool(void)
{
	char threads[16];

	snprintf(threads, sizeof(threads), "%u", 2 * uv_available_parallelism());
	setenv("UV_THREADPOOL_SIZE", threads, 1);
}

static int authd_prepare(struct worker *w, void **state, struct error *err)
{
	struct state *s = calloc(1, sizeof(*s));
	const struct authd_handlers h = { .revoke = on_revoke, .exempt = is_exempt, .arg = s };
	int code;

	*state = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for authd");
	size_pool();
	s->w = w;
	code = authd_new(&s->d, worker_loop(w), worker_hello(w)->key, &h, err);
	if (code < 0)
		free(s);
	else
		*state = s;
	return code;
}

static int take_rules(struct resolve_rules *r, const struct config_scope *c, struct error *err)
{
	const char *domain = config_text(c, CONFIG_DEFAULT_DOMAIN),
		   *mark = config_text(c, CONFIG_RECIPIENT_DELIMITER);

	if (domain != NULL && *domain != '\0' && accounts_domain(domain, r->default_domain, err) < 0)
		return error_context(err, "DefaultDomain in authd.conf");
	if (mark != NULL && (strlen(mark) >= sizeof(r->delimiter) || strchr(mark, '@') != NULL))
		return error_set(err, -EINVAL,
				 "RecipientDelimiter in authd.conf: at most %zu signs, and no @",
				 sizeof(r->delimiter) - 1);
	snprintf(r->delimiter, sizeof(r->delimiter), "%s", mark != NULL ? mark : "");
	domain = config_text(c, CONFIG_SRS_DOMAIN);
	if (domain != NULL && *domain != '\0' && accounts_domain(domain, r->srs_domain, err) < 0)
		return error_context(err, "SrsDomain in authd.conf");
	return 0;
}

/* "SHA-256,SHA-1", or "none" */
static int take_scram(struct authd_policy *p, const struct config_scope *c, struct error *err)
{
	const char *text = config_text(c, CONFIG_SCRAM_KEYS);
	struct span list = span_of(text);

	p->scram_hashes = scram_hashes_listed(text);
	p->scram_rounds = (uint32_t)config_number(c, CONFIG_SCRAM_ITERATIONS);
	p->scram_any = strcmp(config_text(c, CONFIG_SCRAM_OFFER), "any") == 0;
	while (list.n > 0) {
		struct span one = span_trim(span_take_until(&list, ','));

		if (!span_is_nocase(one, "SHA-256") && !span_is_nocase(one, "SHA-1") && !span_is_nocase(one, "none"))
			return error_set(err, -EINVAL, "ScramKeys in authd.conf: SHA-256, SHA-1 or none");
	}
	return 0;
}

static struct rate_limits take_rates(const struct config_scope *c)
{
	return (struct rate_limits){
		.messages = { [RATE_HOUR] = (uint64_t)config_number(c, CONFIG_MESSAGES_PER_HOUR),
			      [RATE_DAY] = (uint64_t)config_number(c, CONFIG_MESSAGES_PER_DAY) },
		.recipients = { [RATE_HOUR] = (uint64_t)config_number(c, CONFIG_RECIPIENTS_PER_HOUR),
				[RATE_DAY] = (uint64_t)config_number(c, CONFIG_RECIPIENTS_PER_DAY) },
	};
}

static int authd_settings(void *state, struct worker *w, struct error *err)
{
	const struct config_scope *c = config_top(worker_config(w));
	struct authd_policy p = {
		.hash_memory = (uint64_t)config_number(c, CONFIG_HASH_MEMORY),
		.hash_passes = (unsigned)config_number(c, CONFIG_HASH_PASSES),
		.hash_queue = (size_t)config_number(c, CONFIG_HASH_QUEUE),
		.cache_ms = (uint64_t)config_number(c, CONFIG_CACHE_TIME),
		.delay_ms = (uint64_t)config_number(c, CONFIG_FAILURE_DELAY),
		.rates = take_rates(c),
		.by_address = { .burst = (unsigned)config_number(c, CONFIG_LOGIN_GUESSES),
				.step_ms = (uint64_t)config_number(c, CONFIG_LOGIN_GUESS_TIME) },
		.by_account = { .free = (unsigned)config_number(c, CONFIG_ACCOUNT_GUESSES),
				.first_ms = (uint64_t)config_number(c, CONFIG_ACCOUNT_DELAY),
				.most_ms = (uint64_t)config_number(c, CONFIG_ACCOUNT_DELAY_MAX) },
		.place_ms = (uint64_t)config_number(c, CONFIG_KNOWN_PLACE_TIME),
	};
	struct state *s = state;
	int code = take_rules(&p.rules, c, err);

	if (code == 0)
		code = take_scram(&p, c, err);
	return code == 0 ? authd_apply(s->d, &p, worker_folder(w, 0), err) : code;
}

static void authd_take_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct state *s = state;

	(void)role; /* authd has clients only */
	authd_peer(s->d, rights, name, fd);
}

static void authd_take_status(void *state, struct buf *out)
{
	struct state *s = state;

	authd_status(s->d, out);
}

/* "accounts": the yubin command changed them; they hold when the answer is there. */
static void authd_ask(void *state, const char *what, struct buf *out)
{
	struct state *s = state;
	struct error err;

	if (strcmp(what, "accounts") != 0)
		return;
	if (authd_reread(s->d, worker_folder(s->w, 0), &err) == 0) {
		authd_status(s->d, out);
		return;
	}
	log_error("accounts can't be read again reason=\"%s\"", err.words);
	buf_printf(out, "error %s\n", err.words);
}

static void authd_end(void *state)
{
	struct state *s = state;

	if (s == NULL)
		return;
	authd_free(s->d);
	free(s);
}

static const struct worker_daemon authd = {
	.name = "authd",
	.which = CONFIG_AUTHD,
	.sandbox = SANDBOX_FILES,
	.prepare = authd_prepare,
	.settings = authd_settings,
	.peer = authd_take_peer,
	.status = authd_take_status,
	.ask = authd_ask,
	.free = authd_end,
};

int main(void)
{
	return worker_main(&authd);
}
