/*
 * main.c - a load of mail clients: `load VERB key=value ...` prints one JSON object.
 *
 * Common keys: port, tls=none|starttls|tls, n (connections, a thread each), m (rounds of each), user or users=K with
 * uprefix (u), pass, domain.
 * tls: TLS 1.3 (tls.h).
 *   smtp     from size mode=reuse|one auth=0|1 to (%d: serial, %r: 1..max) resume=0|1
 *   login    connect, log in, log out; resume=0|1
 *   tls      connect, read the greeting, close; resume=0|1
 *   imap     cmd (%d, %r as above) mailbox select=0|1 base
 *   append   mailbox size: one after another, synchronising literals
 *   fill     mailbox size: m different messages of each connection, 50 an APPEND
 *   idle     mailbox: n x m connections stand until a byte comes on stdin
 *   pop3     RETR 1..m
 *   visible  port iport user m
 *   maildir  dir m size: writes files, speaks to nobody
 */
#include "tests/bench/load/keys.h"
#include "tests/bench/load/message.h"
#include "tests/bench/load/verb.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { ROOM = 256 * 1024 };

static const struct verb *const verbs[] = { &verb_smtp,	  &verb_login, &verb_tls,  &verb_imap,
					    &verb_append, &verb_fill,  &verb_idle, &verb_pop3 };
static pthread_barrier_t all_prepared;
static double began_s;
static const struct verb *verb;

double verb_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void worker_note(struct worker *w, double round_s, int r)
{
	if (w->done < w->rounds)
		w->took_s[w->done++] = verb_now_s() - round_s;
	if (r == 0)
		w->ok++;
	else
		w->failed++;
}

void worker_why(struct worker *w, const char *why)
{
	snprintf(w->why, sizeof(w->why), "%s", why);
}

static const char *user_name(unsigned number, char *out, size_t n)
{
	long users = keys_number("users", 0);

	if (users == 0)
		return keys_text("user", "u1");
	snprintf(out, n, "%s%ld", keys_text("uprefix", "u"), 1 + (long)number % users);
	return out;
}

const char *worker_user(struct worker *w, char *out, size_t n)
{
	return user_name(w->number, out, n);
}

const char *worker_any_user(struct worker *w, char *out, size_t n)
{
	return user_name((unsigned)rand_r(&w->dice), out, n);
}

void worker_expand(struct worker *w, const char *pattern, long number, char *out, size_t n)
{
	size_t k = 0;

	for (; *pattern != '\0' && k + 24 < n; pattern++) {
		if (pattern[0] != '%' || (pattern[1] != 'd' && pattern[1] != 'r')) {
			out[k++] = *pattern;
			continue;
		}
		pattern++;
		k += (size_t)snprintf(out + k, n - k, "%ld", *pattern == 'd' ? number : 1 + rand_r(&w->dice) % keys_number("max", 1000));
	}
	out[k] = '\0';
}

static void *work(void *arg)
{
	struct worker *w = arg;
	int r = conn_init(&w->c, verb == &verb_idle ? 16384 : ROOM);

	if (r == 0 && verb->prepare != NULL)
		r = verb->prepare(w);
	if (pthread_barrier_wait(&all_prepared) == PTHREAD_BARRIER_SERIAL_THREAD)
		began_s = verb_now_s();
	pthread_barrier_wait(&all_prepared);
	w->c.received = 0;
	if (r == 0)
		verb->run(w);
	else
		w->failed++;
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_words(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= ' ' && *text != '"' && *text != '\\')
			putchar(*text);
}

static int report(const struct worker *w, long n)
{
	double seconds = verb_now_s() - began_s, *took_s = calloc((size_t)(n * w->rounds) + 1, sizeof(*took_s));
	long k = 0, ok = 0, failed = 0, resumed = 0;
	uint64_t received = 0;
	struct rusage used;

	for (long i = 0; i < n; i++) {
		memcpy(took_s + k, w[i].took_s, (size_t)w[i].done * sizeof(*took_s));
		k += w[i].done;
		ok += w[i].ok;
		failed += w[i].failed;
		resumed += w[i].resumed;
		received += w[i].c.received;
	}
	qsort(took_s, (size_t)k, sizeof(*took_s), by_size);
	getrusage(RUSAGE_SELF, &used);
	printf("{\"ok\": %ld, \"err\": %ld, \"s\": %.6f, \"rate\": %.2f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"received\": %llu, \"MBps\": %.2f, "
	       "\"resumed\": %ld, \"client_cpu_s\": %.3f, \"last_err\": \"",
	       ok, failed, seconds, (double)ok / seconds, took_s[k / 2] * 1e3, took_s[k * 99 / 100] * 1e3, (unsigned long long)received,
	       (double)received / seconds / 1e6, resumed,
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	for (long i = 0; i < n; i++)
		if (w[i].failed > 0) {
			print_words(w[i].why);
			break;
		}
	printf("\"}\n");
	free(took_s);
	return failed > 0 && ok == 0;
}

static int load(void)
{
	long n = keys_number("n", 1), rounds = keys_number("m", 1);
	struct worker *w = calloc((size_t)n, sizeof(*w));
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));

	pthread_barrier_init(&all_prepared, NULL, (unsigned)n);
	for (long i = 0; i < n; i++) {
		w[i] = (struct worker){ .number = (unsigned)i, .dice = 1234 + (unsigned)i, .rounds = rounds };
		w[i].took_s = calloc((size_t)rounds, sizeof(*w[i].took_s));
		pthread_create(&threads[i], NULL, work, &w[i]);
	}
	for (long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return report(w, n);
}

int maildir_main(void)
{
	return message_maildir(keys_text("dir", "."), keys_number("m", 1000), (size_t)keys_number("size", 3000)) < 0;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	const char *name = argc > 1 ? argv[1] : "";

	keys_set(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	tls_begin();
	if (strcmp(name, "visible") == 0)
		return visible_main();
	if (strcmp(name, "maildir") == 0)
		return maildir_main();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			verb = verbs[i];
	if (verb != NULL)
		return load();
	fprintf(stderr, "usage: load VERB key=value ... (see main.c)\n");
	return 2;
}
