/*
 * message.h - the messages of a benchmark: each with its own sender, subject, date and words, the same in every run.
 */
#ifndef LOAD_MESSAGE_H
#define LOAD_MESSAGE_H

#include <stddef.h>

/* Writes message `number` of about size bytes (its header needs 700) into out, which has room for size + 1024.
 * Lines end in CRLF, none begins with a dot. Every thousandth has a word of its own in its body, "needle3000".
 * Returns its length. */
size_t message_write(char *out, size_t size, long number, const char *from);

/* Writes messages 0 to count-1 as files into DIR/cur of a new Maildir. -1: it could not. */
int message_maildir(const char *dir, long count, size_t size);

#endif
