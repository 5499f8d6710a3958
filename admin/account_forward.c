/* account_forward.c - account forward: where an account's mail goes on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/account_parts.h"

void account_warn_of_target(const struct accounts *all, const char *word)
{
	char target[ACCOUNTS_ADDRESS_MAX], words[ACCOUNTS_ADDRESS_MAX + 100];

	if (accounts_target(word, target, NULL) < 0 || !accounts_has_domain(all, strrchr(target, '@') + 1) ||
	    accounts_find(all, target) != NULL || accounts_find_alias(all, target) != NULL)
		return;
	snprintf(words, sizeof(words), "there is no account %s as yet", target);
	verb_warn(words);
}

size_t account_elsewhere(const struct accounts *all, const char *const *targets, size_t count)
{
	char target[ACCOUNTS_ADDRESS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += accounts_target(targets[i], target, NULL) == 0 &&
		     !accounts_has_domain(all, strrchr(target, '@') + 1);
	return n;
}

/* What is to be there in the end. */
static void set_forwards(struct account *a, const struct account_line *l)
{
	bool had = a->forward_count > 0;

	if (l->none) {
		a->forward_count = 0;
		return;
	}
	if (l->count > 1) {
		a->forwards = (const char *const *)l->words + 1;
		a->forward_count = (size_t)l->count - 1;
	}
	if (l->keep || l->no_keep || !had)
		a->forward_keep = !l->no_keep;
}

/* elsewhere: how many targets are on other servers. */
static int put_forwards(const struct site *s, const struct account_line *l, struct account *a, size_t *elsewhere,
			struct error *err)
{
	struct account_folder f;
	int code = account_open_to_change(s, &f, err);

	if (code == 0)
		code = account_find(&f, l->words[0], a, err);
	if (code == 0) {
		set_forwards(a, l);
		code = accounts_put(f.fd, &f.owner, a, err);
	}
	for (size_t i = 0; code == 0 && i < a->forward_count; i++)
		account_warn_of_target(f.accounts, a->forwards[i]);
	*elsewhere = code == 0 ? account_elsewhere(f.accounts, a->forwards, a->forward_count) : 0;
	account_close(&f);
	return code;
}

int account_forward(const struct site *s, const struct account_line *l)
{
	struct account a;
	struct error err;
	size_t elsewhere;

	if (l->none && l->count > 1)
		return verb_usage(l->verb, "--none takes no targets");
	if (!l->none && l->count < 2 && !l->keep && !l->no_keep)
		return verb_usage(l->verb, "account forward needs a target, or --none");
	if (put_forwards(s, l, &a, &elsewhere, &err) < 0)
		return verb_failed(&err);
	if (a.forward_count == 0)
		return account_changed(s, "mail for %s stays here", l->words[0]);
	return account_changed(s, "mail for %s goes on to %zu address%s, %zu of them on other servers%s", l->words[0],
			       a.forward_count, a.forward_count > 1 ? "es" : "", elsewhere,
			       a.forward_keep ? ", and stays here too" : "");
}
