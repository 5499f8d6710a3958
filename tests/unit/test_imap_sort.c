/* test_imap_sort.c - SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "tests/unit/imap_rig.h"

#include "storage/meta.h"

#define DAY(n) "Date: Sat, " n " Nov 2026 "

/* In the order in which they come in. */
static const char *const letters[] = {
	/* 1 */ "From: Zoe <anna@example.org>\r\nTo: ben@b.example\r\nSubject: Re: pear\r\n" DAY("14") "10:00:00 +0000\r\n\r\nx\r\n",
	/* 2 */ "From: carl@example.org\r\nTo: Dora <y@b.example>\r\nCc: eve@c.example\r\nSubject: Apple\r\n" DAY("07") "10:00:00 +0000\r\n\r\nxxxx\r\n",
	/* 3 */ "From: =?utf-8?q?=C3=89mile?= <ben@example.org>\r\nSubject: [list] PEAR (fwd)\r\n" DAY("14") "09:00:00 -0500\r\n\r\nxx\r\n",
	/* 4 */ "Subject: =?iso-8859-1?q?=E9clair?=\r\nTo: friends: anna@x.example;\r\n\r\nxxxxxxxxx\r\n",
	/* 5 */ "From: Anna <zz@example.org>\r\nTo: \"\" <ben@a.example>\r\n" DAY("14") "11:30:00 +0200\r\n\r\nxxx\r\n",
};

static struct rig *rig_five(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", letters[i], 0);
	return r;
}

static const struct {
	const char *send, *want;
} rows[] = {
	{ "a SORT (ARRIVAL) UTF-8 ALL\r\n", "* SORT 1 2 3 4 5\r\na OK SORT completed\r\n" },
	{ "a SORT (REVERSE ARRIVAL) UTF-8 ALL\r\n", "* SORT ~\r\na OK ~\r\n" },
	{ "a SORT (SUBJECT) UTF-8 ALL\r\n", "* SORT 5 2 4 1 3\r\na OK ~\r\n" },
	{ "a UID SORT (REVERSE SUBJECT) UTF-8 ALL\r\n", "* SORT 1 3 4 2 5\r\na OK ~\r\n" },
	{ "a SORT (SUBJECT REVERSE DATE) UTF-8 ALL\r\n", "* SORT 5 2 4 3 1\r\na OK ~\r\n" },
	{ "a SORT (DATE) UTF-8 ALL\r\n", "* SORT 2 5 1 3 4\r\na OK ~\r\n" },
	{ "a SORT (FROM) UTF-8 ALL\r\n", "* SORT 4 1 3 2 5\r\na OK ~\r\n" },
	{ "a SORT (TO) UTF-8 ALL\r\n", "* SORT 3 1 5 4 2\r\na OK ~\r\n" },
	{ "a SORT (CC) US-ASCII ALL\r\n", "* SORT 1 3 4 5 2\r\na OK ~\r\n" },
	{ "a SORT (SIZE) \"UTF-8\" 4:5\r\n", "* SORT 4 5\r\na OK ~\r\n" },
	{ "a SORT (DISPLAYFROM) UTF-8 ALL\r\n", "* SORT 4 5 2 3 1\r\na OK ~\r\n" },
	{ "a SORT (DISPLAYTO) UTF-8 ALL\r\n", "* SORT 3 5 1 2 4\r\na OK ~\r\n" },
	{ "a SORT (SUBJECT) UTF-8 TEXT \"not there\"\r\n", "* SORT\r\na OK ~\r\n" },
	{ "a SORT (SUBJECT) UTF-8 BODY xxx\r\n", "* SORT 5 2 4\r\na OK ~\r\n" },
	{ "a SORT (SUBJECT) UTF-8 MODSEQ 1\r\n", "* OK [HIGHEST~\r\n* SORT 5 2 4 1 3 (MODSEQ 6)\r\na OK ~\r\n" },
	{ "a SORT RETURN () (SUBJECT) UTF-8 ALL\r\n", "* ESEARCH (TAG \"a\") ALL 5,2,4,1,3\r\na OK SORT completed\r\n" },
	{ "a SORT RETURN (MIN MAX COUNT) (SUBJECT) UTF-8 ALL\r\n", "* ESEARCH (TAG \"a\") MIN 5 MAX 3 COUNT 5\r\na OK ~\r\n" },
	{ "a UID SORT RETURN (ALL) (DATE) UTF-8 1:4\r\n", "* ESEARCH (TAG \"a\") UID ALL 2,1,3:4\r\na OK ~\r\n" },
	{ "a SORT RETURN (SAVE) (SUBJECT) UTF-8 NOT 2\r\nb SEARCH $\r\n", "a OK ~\r\n* SEARCH 1 3 4 5\r\nb OK ~\r\n" },
	{ "a SORT RETURN (COUNT) (SUBJECT) UTF-8 CC nobody\r\n", "* ESEARCH (TAG \"a\") COUNT 0\r\na OK ~\r\n" },
	{ "a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n", "* THREAD (2)(5)(1 3)(4)\r\na OK THREAD completed\r\n" },
	{ "a UID THREAD orderedsubject US-ASCII FROM anna\r\n", "* THREAD (5)(1)\r\na OK ~\r\n" },
	{ "a THREAD REFERENCES UTF-8 ALL\r\n", "* THREAD (2)(5)((1)(3))(4)\r\na OK THREAD completed\r\n" },
	{ "a UID THREAD references UTF-8 1:3\r\n", "* THREAD (2)((1)(3))\r\na OK ~\r\n" },
	{ "a THREAD REFERENCES UTF-8 BODY nothing\r\n", "* THREAD\r\na OK ~\r\n" },
	{ "a THREAD ORDEREDSUBJECT UTF-8 BODY nothing\r\n", "* THREAD\r\na OK ~\r\n" },
	{ "a THREAD ORDEREDSUBJECT X-NONE ALL\r\n", "a NO [BADCHARSET ~\r\n" },
	{ "a THREAD ORDEREDSUBJECT ALL\r\n", "a BAD ~\r\n" },
	{ "a THREAD FROB UTF-8 ALL\r\n", "a BAD THREAD: no such way to make threads\r\n" },
	{ "a THREAD\r\n", "a BAD ~\r\n" },
	{ "a SORT (SUBJECT) X-NONE ALL\r\n", "a NO [BADCHARSET ~\r\n" },
	{ "a SORT (SUBJECT) ALL\r\n", "a BAD ~\r\n" },
	{ "a SORT SUBJECT UTF-8 ALL\r\n", "a BAD ~\r\n" },
	{ "a SORT () UTF-8 ALL\r\n", "a BAD ~\r\n" },
	{ "a SORT (REVERSE) UTF-8 ALL\r\n", "a BAD ~\r\n" },
	{ "a SORT (FROB) UTF-8 ALL\r\n", "a BAD SORT: no such criterion\r\n" },
	{ "a SORT (CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC) UTF-8 ALL\r\n", "a BAD SORT: too many criteria\r\n" },
};

static void test_sort(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int bytes = 0; bytes < 2; bytes++) {
			struct rig *r = rig_five();
			struct conn *c = rig_login(r, "INBOX");

			unit_case(rows[i].send, i);
			(bytes == 0 ? rig_say : rig_say_bytes)(c, rows[i].send, rows[i].want);
			rig_free(r);
		}
	}
}

/* The metadata of many: each turn is short, and what is told is in order. */
static void test_many(void **state)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;
	char text[200];
	unsigned last = 0, n = 0;
	struct span out;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "Subject: %04u\r\n\r\nx\r\n", i * 7 % 2000);
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", text, 0);
	}
	c = rig_login(r, "INBOX");
	rig_send(c, "a SORT (SUBJECT) UTF-8 ALL\r\n");
	out = rig_output(c);
	assert_true(span_starts(out, "* SORT "));
	span_take(&out, 7);
	for (struct span in = span_take_until(&out, '\r'); in.n > 0; n++) {
		uint64_t seq = 0;
		unsigned subject;

		assert_true(span_number(span_take_until(&in, ' '), 2000, &seq));
		subject = (unsigned)(seq - 1) * 7 % 2000;
		assert_true(n == 0 || subject > last);
		last = subject;
	}
	assert_int_equal(n, 2000);
	rig_free(r);
}

/* A thread of many: the first is the parent of all others. */
static void test_many_replies(void **state)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;
	struct span out;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", i % 2 == 0 ? "Subject: a\r\n\r\n" : "Subject: Re: A\r\n\r\n", 0);
	c = rig_login(r, "INBOX");
	rig_send(c, "a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n");
	out = rig_output(c);
	assert_true(span_starts(out, "* THREAD (1 (2)(3)(4)(5)"));
	out = span_take_until(&out, '\r');
	assert_true(span_is_nocase((struct span){ out.p + out.n - 13, 13 }, "(1999)(2000))"));
	rig_free(r);
}

/* Without a body, or gone under way: the others are told. */
static void test_missing(void **state)
{
	struct rig *r = rig_five();
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	fake_store_fail(rig_store(r), FAKE_BODY, STORE_NOT_FOUND, 1);
	rig_say(c, "a SORT (SUBJECT) UTF-8 ALL\r\n", "* SORT ~\r\na OK ~\r\n");
	rig_slow_disk(r);
	rig_send(c, "b SORT (SUBJECT) UTF-8 BODY x\r\n");
	rig_close(c);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sort), cmocka_unit_test(test_many), cmocka_unit_test(test_many_replies), cmocka_unit_test(test_missing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
