/* store_line.c - the contract is in store_line.h. */
#include "admin/store_line.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "admin/verb.h"

static bool take_format(struct store_line *l, const struct store_line_kind *kind, const char *word)
{
	for (l->format = 0; word != NULL && l->format < kind->format_count; l->format++)
		if (strcmp(kind->formats[l->format], word) == 0)
			return true;
	return false;
}

/* "auto, maildir, mbox" */
static int say_formats(const struct store_line_kind *kind)
{
	char words[200] = "";

	for (unsigned i = 0; i < kind->format_count; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", i > 0 ? ", " : "", kind->formats[i]);
	return verb_usage("store", "--format is one of %s", words);
}

int store_line_read(struct store_line *l, const struct store_line_kind *kind, char **argv)
{
	*l = (struct store_line){ .account = NULL };
	for (char **words = argv + 2; *words != NULL; words++) {
		if (strcmp(*words, "--dry-run") == 0 && kind->may_dry) {
			l->dry = true;
		} else if (strcmp(*words, "--format") == 0) {
			if (!take_format(l, kind, *++words))
				return say_formats(kind);
		} else if (strcmp(*words, "--mailbox") == 0) {
			l->mailbox = *++words;
			if (l->mailbox == NULL || *l->mailbox == '\0')
				return verb_usage("store", "--mailbox needs a name");
		} else if ((*words)[0] == '-') {
			return verb_usage("store", "unknown option %s", *words);
		} else if (l->account == NULL) {
			l->account = *words;
		} else if (l->path == NULL) {
			l->path = *words;
		} else {
			return verb_usage("store", "%s is one word too many", *words);
		}
	}
	return l->path != NULL ? VERB_DONE : verb_usage("store", "%s", kind->needs);
}
