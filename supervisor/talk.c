/* talk.c - what is said between yubind and one daemon (control.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/proc/control.h"
#include "supervisor/child.h"
#include "supervisor/lines.h"
#include "supervisor/lock.h"
#include "supervisor/notify.h"
#include "supervisor/orders.h"
#include "supervisor/watch.h"

enum { BODY_MAX = 4096, WORDS_MAX = 4096, ADDRESS_MAX = 400 };

/* --- to the daemon --------------------------------------------------------- */

int talk_send(struct child *c, unsigned type, uint64_t number, struct span body, int *fds, size_t fd_count)
{
	int rc;

	if (c->ipc == NULL) {
		for (size_t i = 0; i < fd_count; i++)
			close(fds[i]);
		return -EPIPE;
	}
	rc = ipc_send(c->ipc, (uint16_t)type, number, body, fds, fd_count);
	if (rc == -EPIPE || rc == 0)
		return rc; /* who has closed its end is about to leave */
	log_error("daemon takes no messages, killed daemon=%s error=%s", c->label, strerror(-rc));
	child_kill(c);
	return rc;
}

/* An index whose folder was deleted is made again from the mail. */
static int make_index_folder(const char *path, const struct child *c, struct error *err)
{
	const struct setup_daemon *own = setup_of(c->setup, c->daemon);

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : error_system(err, errno, "can't make the folder %s", path);
	if (own->uid != UINT32_MAX && chown(path, own->uid, own->gid) < 0)
		return error_system(err, errno, "can't give the folder %s to its daemon", path);
	log_info("index folder made folder=%s", path);
	return 0;
}

static int open_folder(const struct child *c, enum paths_folder which, int *fd, struct error *err)
{
	const char *path = c->s->paths.folder[which];
	int rc = which == PATHS_DB ? make_index_folder(path, c, err) : 0;

	if (rc != 0)
		return rc;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return error_system(err, errno, "can't open the folder %s", path);
	if (which == PATHS_DB)
		rc = lock_folder(*fd, path, err);
	if (rc != 0)
		close(*fd);
	return rc;
}

static int open_folders(const struct child *c, int *fds, struct error *err)
{
	const struct daemon_row *row = &daemon_rows[c->daemon];

	for (unsigned i = 0; i < row->folder_count; i++) {
		int rc = open_folder(c, row->folders[i], &fds[i], err);

		while (rc != 0 && i > 0)
			close(fds[--i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int talk_hello(struct child *c, int log_fd, struct error *err)
{
	const struct setup_daemon *own = setup_of(c->setup, c->daemon);
	const struct daemon_row *row = &daemon_rows[c->daemon];
	struct control_hello hello = {
		.worker = c->worker, .uid = own->uid, .gid = own->gid, .nofile = c->s->files_max
	};
	int fds[1 + DAEMON_FOLDERS] = { log_fd };
	struct buf body;
	int rc;

	snprintf(hello.daemon, sizeof(hello.daemon), "%s", row->name);
	snprintf(hello.hostname, sizeof(hello.hostname), "%s",
		 config_text(setup_site(c->setup), CONFIG_HOSTNAME));
	hello.folders = row->folder_count;
	if (!row->joined)
		memcpy(hello.key, c->s->key, sizeof(hello.key));
	rc = open_folders(c, fds + 1, err);
	if (rc != 0) {
		close(log_fd);
		return rc;
	}
	buf_init(&body, BODY_MAX);
	control_hello_write(&body, &hello);
	rc = talk_send(c, CONTROL_HELLO, 0, buf_span(&body), fds, 1 + row->folder_count);
	buf_clear(&body);
	explicit_bzero(&hello, sizeof(hello));
	return rc == 0 || rc == -EPIPE ? rc : error_set(err, rc, "it could not be told who it is");
}

int talk_settings(struct child *c, struct setup *setup, uint64_t number)
{
	struct error err;
	int fd, rc;

	if (setup_bundle(setup, c->daemon, &fd, &err) != 0) {
		log_error("can't hand settings over daemon=%s reason=%s", c->label, err.words);
		return err.code;
	}
	if (setup != c->setup) {
		setup_hold(setup);
		setup_drop(c->setup);
		c->setup = setup;
	}
	c->applying = number;
	rc = talk_send(c, CONTROL_SETTINGS, number, (struct span){ NULL, 0 }, &fd, 1);
	if (rc == 0)
		peers_renew(c);
	return rc;
}

static void talk_listens(struct child *c)
{
	const struct config *config = setup_of(c->setup, c->daemon)->config;

	for (size_t i = 0; i < config_listen_count(config); i++) {
		int fd = sockets_find(c->s->sockets, c->setup, c->daemon, i);
		struct buf body;

		if (fd < 0 || (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
			continue;
		buf_init(&body, BODY_MAX);
		wire_put_u32(&body, (uint32_t)i);
		talk_send(c, CONTROL_LISTEN, 0, buf_span(&body), &fd, 1);
		buf_clear(&body);
	}
}

static void talk_ids(struct child *c)
{
	struct error err;
	struct buf body;
	uint64_t first;

	if (blocks_take(c->s->ids, &first, &err) != 0) {
		log_error("no connection ids reason=%s", err.words);
		return;
	}
	buf_init(&body, BODY_MAX);
	wire_put_u64(&body, first);
	wire_put_u64(&body, BLOCKS_SIZE);
	talk_send(c, CONTROL_IDS, 0, buf_span(&body), NULL, 0);
	buf_clear(&body);
}

void talk_tickets(struct child *c)
{
	struct buf body;

	if (!daemon_rows[c->daemon].net)
		return;
	buf_init(&body, BODY_MAX);
	tls_tickets_write(&c->s->tickets, &body);
	talk_send(c, CONTROL_TICKETS, 0, buf_span(&body), NULL, 0);
	explicit_bzero(body.p, body.n);
	buf_clear(&body);
}

int talk_begin(struct child *c, int log_fd, struct error *err)
{
	int rc = talk_hello(c, log_fd, err);

	if (rc != 0 && rc != -EPIPE)
		return rc;
	if (rc == 0)
		rc = talk_settings(c, c->setup, 0);
	if (rc != 0)
		return rc == -EPIPE ? 0 : error_set(err, rc, "its settings could not be handed over");
	if (daemon_rows[c->daemon].net) {
		talk_listens(c);
		talk_tickets(c);
	}
	if (daemon_rows[c->daemon].joined)
		talk_ids(c);
	peers_join(c);
	talk_send(c, CONTROL_GO, 0, (struct span){ NULL, 0 }, NULL, 0);
	return 0;
}

static void talk_text(struct child *c, enum control_type type, uint64_t number, struct span text)
{
	struct buf body;

	buf_init(&body, BODY_MAX);
	wire_put_span(&body, text);
	talk_send(c, type, number, buf_span(&body), NULL, 0);
	buf_clear(&body);
}

void talk_revoke(struct child *c, struct span account)
{
	talk_text(c, CONTROL_REVOKE, 0, account);
}

int talk_ask_one(struct child *c, const char *words, uint64_t number)
{
	struct buf body;
	int rc;

	buf_init(&body, 2 * BODY_MAX);
	wire_put_text(&body, words);
	rc = talk_send(c, CONTROL_ASK, number, buf_span(&body), NULL, 0);
	buf_clear(&body);
	return rc;
}

void talk_ask(struct child *c, enum child_question what, const char *words, uint64_t number)
{
	static const char *const names[] = { [CHILD_STATUS] = "status", [CHILD_TLS] = "tls", [CHILD_SESSIONS] = "sessions ",
					     [CHILD_KICK] = "kick " };
	struct buf text;

	c->answers[what].asked = number;
	buf_reset(&c->answers[what].text);
	buf_init(&text, BODY_MAX);
	buf_printf(&text, "%s%s", names[what], words);
	if (text.failed)	/* too long for anybody to have meant it */
		c->answers[what].asked = 0;
	else
		talk_text(c, CONTROL_ASK, number, buf_span(&text));
	buf_clear(&text);
}

void talk_time(struct child *c, unsigned type, uint64_t ms)
{
	struct buf body;

	buf_init(&body, BODY_MAX);
	wire_put_u64(&body, ms);
	talk_send(c, type, 0, buf_span(&body), NULL, 0);
	buf_clear(&body);
}

/* --- from the daemon ------------------------------------------------------- */

/* A text, made fit for a line. */
static bool take_text(struct ipc_message *m, char *out, size_t size)
{
	struct wire w = { .in = m->body };
	struct span text = wire_span(&w);

	if (!wire_done(&w) || text.n > WORDS_MAX)
		return false;
	escape_text(out, size, text);
	return true;
}

static bool on_ready(struct child *c, struct ipc_message *m)
{
	if (c->state != CHILD_STARTING || !take_text(m, c->sandbox, sizeof(c->sandbox)))
		return c->state == CHILD_STOPPING || c->state == CHILD_DRAINING;
	c->state = CHILD_READY;
	uv_timer_stop(&c->timer);
	log_info("daemon ready daemon=%s pid=%d %s", c->label, (int)c->pid, c->sandbox);
	if (c->daemon == DAEMON_AUTHD)
		orders_authd_ready(c->s);
	supervisor_changed(c->s);
	return true;
}

/* A start that takes long, of a store whose index is lost: who waits for it is told, and waits on. */
static bool on_busy(struct child *c, struct ipc_message *m)
{
	char words[400], line[500];

	if (c->state != CHILD_STARTING || !take_text(m, words, sizeof(words)))
		return c->state == CHILD_STOPPING || c->state == CHILD_DRAINING;
	child_wait_on(c);
	log_info("daemon busy daemon=%s %s", c->label, words);
	notify_systemd("EXTEND_TIMEOUT_USEC=60000000");
	snprintf(line, sizeof(line), "%s: %s", c->label, words);
	supervisor_say(c->s, "note", line);
	return true;
}

static bool on_failed(struct child *c, struct ipc_message *m)
{
	if (!take_text(m, c->words, sizeof(c->words)))
		return false;
	log_error("daemon can't start daemon=%s reason=%s", c->label, c->words);
	return true;
}

static bool on_applied(struct child *c, struct ipc_message *m)
{
	char words[400];

	if (!take_text(m, words, sizeof(words)))
		return false;
	if (*words != '\0') {
		log_error("daemon refuses its settings daemon=%s reason=%s", c->label, words);
		snprintf(c->words, sizeof(c->words), "%s", words);
		c->refused = m->number;
	}
	if (m->number == c->applying)
		c->applying = 0;
	orders_applied(c->s, c, m->number, words);
	supervisor_changed(c->s);
	return true;
}

static bool on_want_ids(struct child *c, struct ipc_message *m)
{
	(void)m;
	if (daemon_rows[c->daemon].joined)
		talk_ids(c);
	return true;
}

static bool on_want_peer(struct child *c, struct ipc_message *m)
{
	struct wire w = { .in = m->body };
	uint8_t role = wire_u8(&w);

	return wire_done(&w) && peers_want(c, (enum control_role)role);
}

static bool on_revoked(struct child *c, struct ipc_message *m)
{
	struct wire w = { .in = m->body };
	struct span account = wire_span(&w);

	if (!wire_done(&w) || account.n >= ADDRESS_MAX || c->daemon != DAEMON_AUTHD)
		return false;
	for (struct child *other = c->s->children; other != NULL; other = other->next)
		if (other != c)
			talk_revoke(other, account);
	watch_accounts_soon(c->s);
	return true;
}

static bool on_answer(struct child *c, struct ipc_message *m)
{
	struct wire w = { .in = m->body };
	struct span text = wire_span(&w);

	if (!wire_done(&w))
		return false;
	for (unsigned i = 0; i < CHILD_QUESTIONS; i++) {
		if (c->answers[i].asked == 0 || m->number != c->answers[i].asked)
			continue; /* not asked, or too late */
		buf_put(&c->answers[i].text, lines_fit(text, CHILD_ANSWER_MAX));
		c->answers[i].asked = 0;
		orders_answered(c->s);
	}
	orders_one_answered(c, m->number, text);
	return true;
}

void talk_receive(void *arg, struct ipc_message *m)
{
	static const struct {
		enum control_type type;
		bool (*take)(struct child *c, struct ipc_message *m);
	} takers[] = {
		{ CONTROL_READY, on_ready },     { CONTROL_FAILED, on_failed },
		{ CONTROL_APPLIED, on_applied }, { CONTROL_WANT_IDS, on_want_ids },
		{ CONTROL_REVOKED, on_revoked }, { CONTROL_ANSWER, on_answer },
		{ CONTROL_WANT_PEER, on_want_peer }, { CONTROL_BUSY, on_busy },
	};
	struct child *c = arg;
	bool good = false;

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (takers[i].type == m->type)
			good = takers[i].take(c, m);
	if (good)
		return;
	log_error("daemon sent a malformed message, killed daemon=%s type=%u bytes=%zu", c->label, m->type,
		  m->body.n);
	child_kill(c);
}
