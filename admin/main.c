/* main.c - the yubin command: yubin [-C DIR] VERB ... */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/account.h"
#include "admin/verbs.h"

static const struct verb verbs[] = {
	{ "init", init_run, "init --hostname NAME --domain DOMAIN [--port-base N]\n" },
	{ "start", start_run, "start [--foreground] [-- FLAGS]\n" },
	{ "stop", stop_run, "stop\n" },
	{ "restart", restart_run, "restart [DAEMON...]\n" },
	{ "reload", reload_run, "reload\n" },
	{ "status", status_run, "status [--json]\n" },
	{ "account", account_run,
	  "account add ADDRESS [--password-stdin | --generate | --hash HASH | --hash -]\n"
	  "account passwd ADDRESS [--password-stdin | --generate | --hash HASH | --hash -]\n"
	  "account list [--json]\n"
	  "account show ADDRESS [--json]\n"
	  "account disable|enable|remove ADDRESS\n"
	  "account forward ADDRESS TARGET... [--keep | --no-keep]\n"
	  "account forward ADDRESS --none\n"
	  "account quota ADDRESS [SIZE|none|default]\n"
	  "account cert add ADDRESS FILE.pem|FINGERPRINT [LABEL]\n"
	  "account cert list [ADDRESS] [--json]\n"
	  "account cert remove ADDRESS FINGERPRINT|LABEL\n"
	  "account sessions [ADDRESS] [--json]\n"
	  "account kick ADDRESS [--session ID]\n"
	  "account app add ADDRESS NAME [--scope imap,pop3,smtp] [--expires DAY]\n"
	  "account app list [ADDRESS] [--json]\n"
	  "account app revoke ADDRESS NAME\n"
	  "account app only ADDRESS yes|no\n" },
	{ "domain", domain_run,
	  "domain add|remove DOMAIN\n"
	  "domain list [--json]\n" },
	{ "alias", alias_run,
	  "alias add ADDRESS|@DOMAIN TARGET...\n"
	  "alias remove ADDRESS\n"
	  "alias list [--json]\n" },
	{ "config", config_run,
	  "config check\n"
	  "config show [--all] [--json] [DAEMON...]\n" },
	{ "log", log_run, "log [-f] [-n LINES]\n" },
	{ "queue", queue_run,
	  "queue list [ID...] [--from ADDRESS] [--to ADDRESS] [--domain DOMAIN] [--account ADDRESS] [--held] "
	  "[--aside] [--waiting] [--older-than TIME] [--json]\n"
	  "queue show ID... [--json]\n"
	  "queue flush|hold|release|delete|bounce ID...|FILTER...|--all\n"
	  "queue route HOST:PORT|none ID...|FILTER...|--all\n" },
	{ "store", store_run,
	  "store check [ACCOUNT...] [--json]\n"
	  "store repair [ACCOUNT...] [--dry-run] [--json]\n"
	  "store rebuild\n"
	  "store backup DIR [--since BACKUP]\n"
	  "store verify BACKUP [--json]\n"
	  "store restore BACKUP [--account ACCOUNT [--mailbox NAME]] [--to DIR] [--dry-run]\n"
	  "store import ACCOUNT PATH [--format auto|maildir|mbox|mboxo] [--mailbox NAME] [--dry-run]\n"
	  "store export ACCOUNT PATH [--format maildir|mbox] [--mailbox NAME]\n" },
	{ "trace", trace_run, "trace MESSAGE-ID|QUEUE-ID|ADDRESS [--since TIME] [--json]\n" },
	{ "cert", cert_run,
	  "cert new [NAME...]\n"
	  "cert list [--json]\n"
	  "cert client ADDRESS [--out FILE] [--days N] [--old]\n"
	  "cert revoke FILE|FINGERPRINT|SERIAL [--reason WORD] [--days N]\n"
	  "cert crl [--days N]\n" },
	{ "ca", ca_run, "ca show [--json]\n" },
	{ "tls", tls_run,
	  "tls show [DAEMON...] [--json]\n"
	  "tls causes [--json]\n"
	  "tls rotate-tickets\n" },
	{ "dkim", dkim_run,
	  "dkim new DOMAIN\n"
	  "dkim list [DOMAIN] [--json]\n"
	  "dkim rotate DOMAIN [--now]\n"
	  "dkim check FILE|- [--json]\n" },
	{ "dns", dns_run,
	  "dns records DOMAIN [--json | --zone]\n"
	  "dns check DOMAIN [--json] [--port25 HOST | --no-port25]\n" },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_usage(FILE *out, const char *lines)
{
	struct span in = span_of(lines);

	while (in.n > 0) {
		struct span line = span_take_until(&in, '\n');

		fprintf(out, "    yubin [-C DIR] %.*s\n", (int)line.n, (const char *)line.p);
	}
}

static void print_help(FILE *out)
{
	fputs("yubin - the mail server's command\n\n", out);
	for (unsigned i = 0; i < VERBS; i++)
		print_usage(out, verbs[i].usage);
	fputs("\n-C DIR: the site lies under DIR; without it in the system's folders (" YUBIN_SYSCONFDIR
	      "/yubin ...).\n"
	      "Exit codes: 0 done, 1 failed, 2 usage; status: 0 runs, 3 does not.\n",
	      out);
}

void verb_help(FILE *out, const char *name)
{
	fputs("usage:\n", out);
	for (unsigned i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			print_usage(out, verbs[i].usage);
}

/* --help among a verb's arguments, before any "--". */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

static int run_verb(const char *dir, int argc, char **argv)
{
	struct site site;
	struct error err;

	for (unsigned i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, argv[0]) != 0)
			continue;
		if (wants_help(argc, argv)) {
			verb_help(stdout, argv[0]);
			return VERB_DONE;
		}
		if (site_open(&site, dir, &err) != 0)
			return verb_failed(&err);
		return verbs[i].run(&site, argc, argv);
	}
	fprintf(stderr, "yubin: there is no verb %s; see yubin --help\n", argv[0]);
	return VERB_USAGE;
}

/* Where a caller has closed 0, 1 or 2, a file of ours would get the number. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	int i = 1;

	open_standard();
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help(stdout);
			return VERB_DONE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("yubin %s\n", YUBIN_VERSION);
			return VERB_DONE;
		}
		if (strncmp(argv[i], "-C", 2) != 0 || (argv[i][2] == '\0' && i + 1 == argc)) {
			fprintf(stderr,
				"yubin: unknown option, or no value behind it: %s; see yubin --help\n",
				argv[i]);
			return VERB_USAGE;
		}
		dir = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
	}
	if (i == argc) {
		print_help(stderr);
		return VERB_USAGE;
	}
	return run_verb(dir, argc - i, argv + i);
}
