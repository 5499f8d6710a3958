/* message.c - the contract is in message.h. */
#include "tests/bench/load/message.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_S = 1600000000, STEP_S = 600, COLUMN = 72, WORDS = 20 };

static const char *const words[WORDS] = { "alpha", "bravo", "charlie", "delta", "echo",	 "foxtrot", "golf", "hotel", "india", "juliet",
					  "kilo",  "lima",  "mike",    "november", "oscar", "papa",    "quebec", "romeo", "sierra", "tango" };

static size_t header(char *out, size_t room, long i, const char *from)
{
	time_t t = FIRST_S + i * STEP_S;
	char date[64], sender[128];
	struct tm tm;
	int n;

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	snprintf(sender, sizeof(sender), "s%ld@client.bench.test", i % 97);
	n = snprintf(out, room,
		     "Return-Path: <%s>\r\nReceived: from client.bench.test (client.bench.test [127.0.0.1])\r\n"
		     "\tby mail.bench.test (Bench) with ESMTPS id %08lx\r\n\tfor <alice@bench.test>; %s\r\n"
		     "From: \"Sender Number %ld\" <%s>\r\nTo: Alice Example <alice@bench.test>\r\nCc: bob@bench.test\r\n"
		     "Subject: Message %ld about %s and %s\r\nDate: %s\r\nMessage-ID: <%08lx.%d@client.bench.test>\r\n"
		     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
		     sender, (unsigned long)i, date, i % 97, from != NULL ? from : sender, i, words[i % WORDS], words[i % 7], date,
		     (unsigned long)i, 1);
	return (size_t)n;
}

size_t message_write(char *out, size_t size, long number, const char *from)
{
	size_t n = header(out, 1024, number, from), column = 0;
	uint32_t dice = (uint32_t)number * 2654435761U + 1;

	while (n + 24 < size) {
		const char *word = words[(dice >> 16) % WORDS];
		size_t length = strlen(word);

		dice = dice * 1103515245U + 12345U;
		if (column + length > COLUMN) {
			memcpy(out + n - 1, "\r\n", 2);	/* over the blank */
			n++;
			column = 0;
		}
		memcpy(out + n, word, length);
		out[n + length] = ' ';
		n += length + 1;
		column += length + 1;
	}
	if (number % 1000 == 0)
		return n + (size_t)sprintf(out + n, "\r\nneedle%ld\r\n", number);
	memcpy(out + n, "\r\nhay\r\n", 7);
	return n + 7;
}

static int write_file(const char *path, const char *text, size_t n, time_t when)
{
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd >= 0 && write(fd, text, n) == (ssize_t)n && futimens(fd, times) == 0 ? 0 : -1;

	if (fd >= 0)
		close(fd);
	return r;
}

/* As Dovecot stores it: LF, and W= is the size with CRLF. */
static size_t without_cr(char *text, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (text[i] != '\r')
			text[k++] = text[i];
	return k;
}

int message_maildir(const char *dir, long count, size_t size)
{
	static const char *const folders[] = { "", "/cur", "/new", "/tmp" };
	char path[512], *text = malloc(size + 1024);
	int r = text != NULL ? 0 : -1;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, folders[i]);
		mkdir(path, 0700);
	}
	for (long i = 0; i < count && r == 0; i++) {
		size_t whole = message_write(text, size, i, NULL), n = without_cr(text, whole);
		long when = FIRST_S + i * STEP_S;

		snprintf(path, sizeof(path), "%s/cur/%ld.M%ldP1.host,S=%zu,W=%zu:2,%s", dir, when, i, n, whole, i % 3 == 0 ? "" : "S");
		r = write_file(path, text, n, when);
	}
	free(text);
	return r;
}
