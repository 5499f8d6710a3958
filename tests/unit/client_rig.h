/*
 * client_rig.h - the SMTP client engine with a scripted server, all in memory.
 *
 * A script is lines:
 *   S: text	the server says it, with CRLF; lines that follow each other come in one go
 *   R: text	the server says it as it is: no line end
 *   C: text	what the client must have said: one line, in order ("*" at its end: whatever follows)
 *   !: text	what must have been told, in order ("*" as above): "ready", "early", "tls", "close",
 *		"rcpt N VERDICT STATUS WORDS", "mail", "unusable STEP VERDICT STATUS WORDS"
 *   E: words	the connection ends (smtp_client_ended)
 *   T: ms	time passes: to that instant
 *   Q:		smtp_client_quit is called when there is no mail left and the engine is ready
 * What was said and told without a line for it is an error.
 */
#ifndef TESTS_CLIENT_RIG_H
#define TESTS_CLIENT_RIG_H

#include "common/base/buf.h"
#include "deliverd/engine.h"

struct rig_mail {
	struct client_mail mail;
	const char *body;
};

struct rig_plan {		/* what the shell does */
	const struct rig_mail *mails;
	size_t count;
	bool early;		/* begins at EARLY, not only at READY */
	bool quit;		/* behind the last one, at either */
	size_t piece;		/* bytes of a body given at a time; 0: CLIENT_PIECE */
	size_t fail_at;		/* a body can't be read beyond this; 0: it can */
};

struct rig {
	struct smtp_client *engine;
	const struct rig_plan *plan;
	struct buf said, told;	/* and not looked at yet */
	size_t begun, at;	/* mails begun; bytes of the body given */
	size_t done;		/* mails that are over */
	bool quit, closed;
	uint64_t now;
};

void rig_start(struct rig *r, const struct client_config *config, const struct rig_plan *plan);
void rig_stop(struct rig *r);
/* Asks the engine until it wants input, and plays the shell. */
void rig_pump(struct rig *r);
/* The server's bytes, all of them. */
void rig_feed(struct rig *r, struct span in);
/* Plays the script. cut: a byte of the server's at which what it says is cut in two; 0: nowhere;
 * SIZE_MAX: at each. Returns the bytes that the server said. */
size_t rig_play(const struct client_config *config, const struct rig_plan *plan, const char *script, size_t cut);

#endif
