/* test_imap_search.c - what SEARCH asks for and how it is answered (RFC 3501, 4731, 5182, 9394, 7162).
 * link: tests/unit/imap_rig.o tests/fake imapd service storage sasl mime common/config common/base */
#include "imapd/search_job.h"
#include "tests/unit/imap_rig.h"

#include "storage/meta.h"

static const char letter[] = "From: Anna <anna@example.org>\r\nSubject: one\r\n\r\nHello\r\n";
static const char other[] = "From: Ben <ben@example.org>\r\nSubject: two\r\n\r\nBye\r\n";

/* Odd numbers are letter, even ones other; a hole lies behind 2: UIDs 1, 2, 4, 5, 6, 7. Mod-sequences
 * are 2, 3, 5, 6, 7, 8. */
static struct rig *rig_six(void)
{
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;

	for (int i = 1; i <= 7; i++)
		fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", i == 3 || i % 2 == 0 ? other : letter, 0);
	c = rig_login(r, "INBOX");
	rig_send(c, "x STORE 3 +FLAGS.SILENT (\\Deleted)\r\nx EXPUNGE\r\nx LOGOUT\r\n");
	rig_close(c);
	return r;
}

struct row {
	const char *send, *want;
};

/* Each row in a session of its own, once at a time and once byte by byte. before may be NULL. */
static void check_rows(const struct row *rows, size_t n, const char *before)
{
	for (size_t i = 0; i < n; i++) {
		struct rig *r = rig_six();

		for (int bytes = 0; bytes < 2; bytes++) {
			struct conn *c = rig_login(r, "INBOX");

			unit_case(rows[i].send, i);
			if (before != NULL)
				rig_send(c, before);
			rig_output(c);
			(bytes == 0 ? rig_say : rig_say_bytes)(c, rows[i].send, rows[i].want);
			rig_close(c);
		}
		rig_free(r);
	}
}

#define CHECK_ROWS(rows, before) check_rows(rows, sizeof(rows) / sizeof(rows[0]), before)

/* RFC 4731 3.1 */
static void test_esearch(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH RETURN () ALL\r\n", "* ESEARCH (TAG \"a\") ALL 1:6\r\na OK SEARCH completed\r\n" },
		{ "a UID SEARCH RETURN (ALL) ALL\r\n", "* ESEARCH (TAG \"a\") UID ALL 1:2,4:7\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX COUNT ALL) FROM anna\r\n", "* ESEARCH (TAG \"a\") MIN 1 MAX 6 COUNT 3 ALL 1,4,6\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (COUNT MIN) FROM ben\r\n", "* ESEARCH (TAG \"a\") UID MIN 2 COUNT 3\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN) FROM ben\r\n", "* ESEARCH (TAG \"a\") MIN 2\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MAX) FROM ben\r\n", "* ESEARCH (TAG \"a\") MAX 5\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX ALL) FROM carl\r\n", "* ESEARCH (TAG \"a\")\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (COUNT ALL) FROM carl\r\n", "* ESEARCH (TAG \"a\") UID COUNT 0\r\na OK ~\r\n" },
		{ "a search return (count) charset utf-8 from ANNA\r\n", "* ESEARCH (TAG \"a\") COUNT 3\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (COUNT) CHARSET X-NONE FROM a\r\n", "a NO [BADCHARSET ~\r\n" },
		{ "a SEARCH RETURN (FROB) ALL\r\n", "a BAD SEARCH: no such return option\r\n" },
		{ "a SEARCH RETURN COUNT ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (COUNT )ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (COUNT)\r\n", "a BAD ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, NULL);
}

/* RFC 9394 3.1 */
static void test_partial(void **state)
{
	static const struct row rows[] = {
		{ "a UID SEARCH RETURN (PARTIAL 2:4) ALL\r\n", "* ESEARCH (TAG \"a\") UID PARTIAL (2:4 2,4:5)\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 4:2) ALL\r\n", "* ESEARCH (TAG \"a\") PARTIAL (4:2 2:4)\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (PARTIAL -1:-2) ALL\r\n", "* ESEARCH (TAG \"a\") UID PARTIAL (-1:-2 6:7)\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (PARTIAL -5:-900) ALL\r\n", "* ESEARCH (TAG \"a\") UID PARTIAL (-5:-900 1:2)\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (PARTIAL 6:4294967295) ALL\r\n", "* ESEARCH (TAG \"a\") UID PARTIAL (6:4294967295 7)\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (PARTIAL 7:9) ALL\r\n", "* ESEARCH (TAG \"a\") UID PARTIAL (7:9 NIL)\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN PARTIAL 3:3 COUNT) FROM anna\r\n", "* ESEARCH (TAG \"a\") MIN 1 COUNT 3 PARTIAL (3:3 6)\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 1:2) MODSEQ 1\r\n",
		  "* OK [HIGHESTMODSEQ ~\r\n* ESEARCH (TAG \"a\") PARTIAL (1:2 1:2) MODSEQ 3\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 1:2 ALL) ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 0:2) ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL -1:2) ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL 1:*) ALL\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (PARTIAL) ALL\r\n", "a BAD ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, NULL);
}

#define KNOWS "* OK [HIGHESTMODSEQ ~\r\n"

/* RFC 7162 3.1.5, 3.1.6; RFC 4731 3.2 */
static void test_modseq(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH MODSEQ 6\r\n", KNOWS "* SEARCH 4 5 6 (MODSEQ 8)\r\na OK ~\r\n" },
		{ "a SEARCH MODSEQ \"/flags/\\\\draft\" all 7\r\n", KNOWS "* SEARCH 5 6 (MODSEQ 8)\r\na OK ~\r\n" },
		{ "a UID SEARCH NOT MODSEQ 5\r\n", KNOWS "* SEARCH 1 2 (MODSEQ 3)\r\na OK ~\r\n" },
		{ "a SEARCH MODSEQ 90\r\n", KNOWS "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN) MODSEQ 4\r\n", KNOWS "* ESEARCH (TAG \"a\") MIN 3 MODSEQ 5\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MAX) OR MODSEQ 90 2\r\n", KNOWS "* ESEARCH (TAG \"a\") MAX 2 MODSEQ 3\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX) MODSEQ 4\r\n", KNOWS "* ESEARCH (TAG \"a\") MIN 3 MAX 6 MODSEQ 8\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN COUNT) MODSEQ 1\r\n", KNOWS "* ESEARCH (TAG \"a\") MIN 1 COUNT 6 MODSEQ 8\r\na OK ~\r\n" },
		{ "a SEARCH MODSEQ \"/flags/x\" none 7\r\n", "a BAD ~\r\n" },
		{ "a SEARCH MODSEQ \"/flags/x\" 7\r\n", "a BAD ~\r\n" },
		{ "a SEARCH MODSEQ x\r\n", "a BAD ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, NULL);
}

/* RFC 8514, RFC 8474 6, RFC 5032. The clock is far from the letters' time on neither side. */
static void test_dates_and_ids(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH SAVEDATESUPPORTED 1:2\r\n", "* SEARCH 1 2\r\na OK ~\r\n" },
		{ "a SEARCH SAVEDSINCE 1-Jan-2020\r\n", "* SEARCH 1 2 3 4 5 6\r\na OK ~\r\n" },
		{ "a SEARCH SAVEDBEFORE 1-Jan-2020\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH SAVEDON \"1-Jan-2020\"\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH OLDER 4294967295\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH YOUNGER 4294967295\r\n", "* SEARCH 1 2 3 4 5 6\r\na OK ~\r\n" },
		{ "a SEARCH EMAILID M00\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH EMAILID Mzz000000000000000000000000000000\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH THREADID T1\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH OLDER 0\r\n", "a BAD ~\r\n" },
		{ "a SEARCH YOUNGER 4294967296\r\n", "a BAD ~\r\n" },
		{ "a SEARCH EMAILID\r\n", "a BAD ~\r\n" },
		{ "a SEARCH SAVEDON 40-Jan-2020\r\n", "a BAD ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, NULL);
}

/* The id that FETCH tells finds its message and no other. */
static void test_emailid(void **state)
{
	struct rig *r = rig_six();
	struct conn *c = rig_login(r, "INBOX");
	char id[80] = "", send[200];
	struct span out;
	ptrdiff_t at;

	(void)state;
	rig_send(c, "a UID FETCH 5 EMAILID\r\n");
	out = rig_output(c);
	at = span_find(out, 'M');	/* EMAILID itself, ... */
	assert_true(at > 0);
	span_take(&out, (size_t)at + 1);
	at = span_find(out, 'M');	/* ... then the id */
	assert_true(at > 0 && out.n > (size_t)at + 33);
	memcpy(id, out.p + at, 33);
	snprintf(send, sizeof(send), "b UID SEARCH EMAILID %s\r\n", id);
	rig_say(c, send, "* SEARCH 5\r\nb OK ~\r\n");
	id[0] = 'm';
	snprintf(send, sizeof(send), "b UID SEARCH EMAILID %s\r\n", id);
	rig_say(c, send, "* SEARCH\r\nb OK ~\r\n");
	rig_free(r);
}

/* RFC 9586 3.2 */
static void test_uidonly(void **state)
{
	static const struct row rows[] = {
		{ "a UID SEARCH 1:3\r\n", "a BAD [UIDREQUIRED] ~\r\n" },
		{ "a UID SEARCH RETURN (COUNT) OR UID 4 (NOT 2)\r\n", "a BAD [UIDREQUIRED] ~\r\n" },
		{ "a UID SEARCH UID 4:5\r\n", "* SEARCH 4 5\r\na OK ~\r\n" },
		{ "a SEARCH ALL\r\n", "a BAD [UIDREQUIRED] ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, "0 ENABLE UIDONLY\r\n");
}

/* RFC 5182 2.1, RFC 9394 3.2: what "$" is afterwards. */
static void test_saved(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH RETURN (SAVE) FROM anna\r\nb UID SEARCH $\r\n", "a OK ~\r\n* SEARCH 1 5 7\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE MIN) FROM anna\r\nb SEARCH $\r\n", "* ESEARCH (TAG \"a\") MIN 1\r\na OK ~\r\n* SEARCH 1\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (MAX SAVE) FROM anna\r\nb SEARCH UID $\r\n", "* ESEARCH (TAG \"a\") MAX 6\r\na OK ~\r\n* SEARCH 6\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (MAX SAVE MIN) FROM anna\r\nb SEARCH $\r\n", "* ESEARCH (TAG \"a\") MIN 1 MAX 6\r\na OK ~\r\n* SEARCH 1 6\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE MIN COUNT) FROM anna\r\nb SEARCH NOT $\r\n",
		  "* ESEARCH (TAG \"a\") MIN 1 COUNT 3\r\na OK ~\r\n* SEARCH 2 3 5\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE ALL) FROM anna\r\nb SEARCH RETURN (SAVE COUNT) $ 1:5\r\nc SEARCH $\r\n",
		  "* ESEARCH (TAG \"a\") ALL 1,4,6\r\na OK ~\r\n* ESEARCH (TAG \"b\") COUNT 2\r\nb OK ~\r\n* SEARCH 1 4\r\nc OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE PARTIAL 2:3) ALL\r\nb SEARCH $\r\n", "* ESEARCH (TAG \"a\") PARTIAL (2:3 2:3)\r\na OK ~\r\n* SEARCH 2 3\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE PARTIAL 2:3 MIN MAX) ALL\r\nb SEARCH $\r\n",
		  "* ESEARCH (TAG \"a\") MIN 1 MAX 6 PARTIAL (2:3 2:3)\r\na OK ~\r\n* SEARCH 1 2 3 6\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE PARTIAL 2:3 COUNT) ALL\r\nb SEARCH $\r\n",
		  "* ESEARCH (TAG \"a\") COUNT 6 PARTIAL (2:3 2:3)\r\na OK ~\r\n* SEARCH 1 2 3 4 5 6\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE) FROM carl\r\nb FETCH $ UID\r\nc UID STORE $ FLAGS (\\Seen)\r\nd COPY $ Archive\r\n",
		  "a OK ~\r\nb OK ~\r\nc OK ~\r\nd OK ~\r\n" },
		{ "a FETCH $ UID\r\n", "a OK ~\r\n" },
		{ "a UID SEARCH RETURN (SAVE) UID 4:5\r\nb FETCH $ UID\r\nc UID FETCH $ UID\r\n",
		  "a OK ~\r\n* 3 FETCH (UID 4)\r\n* 4 FETCH (UID 5)\r\nb OK ~\r\n* 3 FETCH (UID 4)\r\n* 4 FETCH (UID 5)\r\nc OK ~\r\n" },
		/* BAD, and a search that saves nothing, change nothing; NO empties it */
		{ "a SEARCH RETURN (SAVE) 2\r\nb SEARCH RETURN (SAVE) FROB\r\nc SEARCH 3\r\nd SEARCH $\r\n",
		  "a OK ~\r\nb BAD ~\r\n* SEARCH 3\r\nc OK ~\r\n* SEARCH 2\r\nd OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE) 2\r\nb SEARCH RETURN (SAVE) CHARSET X-NONE BODY x\r\nc SEARCH $\r\n",
		  "a OK ~\r\nb NO [BADCHARSET ~\r\n* SEARCH\r\nc OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE) 2\r\nb SEARCH CHARSET X-NONE BODY x\r\nc SEARCH $\r\n",
		  "a OK ~\r\nb NO [BADCHARSET ~\r\n* SEARCH 2\r\nc OK ~\r\n" },
		{ "a FETCH $,1 UID\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (SAVE) 2\r\nb UID MOVE $ INBOX\r\nc SEARCH $\r\n", "a OK ~\r\n* OK [COPYUID ~ 2 8] Moved\r\n* 2 EXPUNGE\r\n* 6 EXISTS\r\n* ~ RECENT\r\nb OK ~\r\n* SEARCH\r\nc OK ~\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_six();
		struct conn *c = rig_login(r, "INBOX");

		unit_case(rows[i].send, i);
		rig_say_bytes(c, rows[i].send, rows[i].want);
		rig_free(r);
	}
}

/* What another session removes leaves the set too; another mailbox has none. */
static void test_saved_forgets(void **state)
{
	struct rig *r = rig_six();
	struct conn *c = rig_login(r, "INBOX"), *d = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 SEARCH RETURN (SAVE) ALL\r\n", "1 OK ~\r\n");
	rig_send(d, "1 STORE 1,3 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
	rig_output(d);
	rig_say(c, "2 NOOP\r\n", "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n2 OK ~\r\n");
	rig_say(c, "3 UID SEARCH $\r\n", "* SEARCH 2 5 6 7\r\n3 OK ~\r\n");
	rig_say(c, "4 FETCH $ UID\r\n", "* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 5)\r\n* 3 FETCH (UID 6)\r\n* 4 FETCH (UID 7)\r\n4 OK ~\r\n");
	rig_send(c, "5 SELECT INBOX\r\n");
	rig_output(c);
	rig_say(c, "6 SEARCH $\r\n", "* SEARCH\r\n6 OK ~\r\n");
	rig_free(r);
}

/* A store that can't answer: NO, and nothing is saved. */
static void test_saved_failure(void **state)
{
	struct rig *r = rig_six();
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_say(c, "1 SEARCH RETURN (SAVE) 2:3\r\n", "1 OK ~\r\n");
	fake_store_fail(rig_store(r), FAKE_SYNC, STORE_TRY_LATER, 1);
	rig_say(c, "2 SEARCH RETURN (SAVE COUNT) ALL\r\n", "2 NO [UNAVAILABLE] ~\r\n");
	rig_say(c, "3 SEARCH $\r\n", "* SEARCH\r\n3 OK ~\r\n");
	rig_free(r);
}

/* RFC 9394 3.1 and 3.3: the same PARTIAL means the same messages, in SEARCH and in FETCH. */
static void test_partial_pair(void **state)
{
	static const struct {
		const char *partial;
		uint32_t uids[6];
	} rows[] = {
		{ "1:1", { 1 } },	   { "2:4", { 2, 4, 5 } },	 { "4:2", { 2, 4, 5 } },
		{ "6:6", { 7 } },	   { "5:900", { 6, 7 } },	 { "7:9", { 0 } },
		{ "-1:-1", { 7 } },	   { "-2:-3", { 5, 6 } },	 { "-5:-900", { 1, 2 } },
		{ "-7:-8", { 0 } },	   { "1:4294967295", { 1, 2, 4, 5, 6, 7 } },
	};
	struct rig *r = rig_six();
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char send[200], want[600];
		size_t n = 0;

		unit_case(rows[i].partial, i);
		snprintf(send, sizeof(send), "a UID SEARCH RETURN (PARTIAL %s SAVE) ALL\r\nb UID SEARCH $\r\n", rows[i].partial);
		n = (size_t)snprintf(want, sizeof(want), "* ESEARCH ~\r\na OK ~\r\n* SEARCH");
		for (size_t k = 0; k < 6 && rows[i].uids[k] != 0; k++)
			n += (size_t)snprintf(want + n, sizeof(want) - n, " %u", rows[i].uids[k]);
		snprintf(want + n, sizeof(want) - n, "\r\nb OK ~\r\n");
		rig_output(c);
		rig_say(c, send, want);
		snprintf(send, sizeof(send), "a UID FETCH 1:* (UID) (PARTIAL %s)\r\n", rows[i].partial);
		n = 0;
		for (size_t k = 0; k < 6 && rows[i].uids[k] != 0; k++)
			n += (size_t)snprintf(want + n, sizeof(want) - n, "* %u FETCH (UID %u)\r\n",
					      rows[i].uids[k] - (rows[i].uids[k] > 3), rows[i].uids[k]);
		snprintf(want + n, sizeof(want) - n, "a OK ~\r\n");
		rig_say(c, send, want);
	}
	rig_free(r);
}

/* RFC 9051 6.4.4: who enabled it is answered by ESEARCH, asked or not; what was not known there is refused in the
 * same words. */
static void test_rev2(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH FROM anna\r\n", "* ESEARCH (TAG \"a\") ALL 1,4,6\r\na OK ~\r\n" },
		{ "a UID SEARCH FROM anna\r\n", "* ESEARCH (TAG \"a\") UID ALL 1,5,7\r\na OK ~\r\n" },
		{ "a UID SEARCH FROM carl\r\n", "* ESEARCH (TAG \"a\") UID\r\na OK ~\r\n" },
		{ "a SEARCH RETURN () FROM ben\r\n", "* ESEARCH (TAG \"a\") ALL 2:3,5\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE) FROM ben\r\nb SEARCH $\r\n", "a OK ~\r\n* ESEARCH (TAG \"b\") ALL 2:3,5\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (SAVE COUNT) FROM ben\r\nb SEARCH NOT $\r\n",
		  "* ESEARCH (TAG \"a\") COUNT 3\r\na OK ~\r\n* ESEARCH (TAG \"b\") ALL 1,4,6\r\nb OK ~\r\n" },
		{ "a SEARCH CHARSET us-ascii FROM ben\r\n", "* ESEARCH (TAG \"a\") ALL 2:3,5\r\na OK ~\r\n" },
		{ "a SEARCH CHARSET X-NONE FROM ben\r\n", "a NO [BADCHARSET (UTF-8 US-ASCII)] ~\r\n" },
		{ "a SEARCH CHARSET \"\" FROM ben\r\n", "a NO [BADCHARSET ~\r\n" },
		{ "a SORT (SUBJECT) X-NONE ALL\r\n", "a NO [BADCHARSET ~\r\n" },
		{ "a SEARCH RETURN (SAVE) CHARSET X-NONE ALL\r\nb SEARCH $\r\n",
		  "a NO [BADCHARSET ~\r\n* ESEARCH (TAG \"b\")\r\nb OK ~\r\n" },
		{ "a SEARCH\r\n", "a BAD ~\r\n" },
		{ "a SEARCH RETURN (ALL)\r\n", "a BAD ~\r\n" },
		{ "a SEARCH 9\r\n", "* ESEARCH (TAG \"a\")\r\na OK ~\r\n" },
		{ "a SEARCH 1:*\r\n", "* ESEARCH (TAG \"a\") ALL 1:6\r\na OK ~\r\n" },
		{ "a SEARCH UID 4:90\r\n", "* ESEARCH (TAG \"a\") ALL 3:6\r\na OK ~\r\n" },
		{ "a SEARCH (2:5 FROM anna)\r\n", "* ESEARCH (TAG \"a\") ALL 4\r\na OK ~\r\n" },
		{ "a SEARCH OR 1 OR 2 3 NOT 2\r\n", "* ESEARCH (TAG \"a\") ALL 1,3\r\na OK ~\r\n" },
		{ "a SEARCH FROM \"\"\r\n", "* ESEARCH (TAG \"a\") ALL 1:6\r\na OK ~\r\n" },
		{ "a SEARCH CC \"\"\r\n", "* ESEARCH (TAG \"a\")\r\na OK ~\r\n" },
	};

	(void)state;
	CHECK_ROWS(rows, "e ENABLE IMAP4rev2\r\n");
}

/* MIN and MAX by themselves look from their end, whatever the pages of the store are like. */
static void test_ends(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH RETURN (MAX) SUBJECT one\r\n", "* ESEARCH (TAG \"a\") MAX 599\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN) SUBJECT two\r\n", "* ESEARCH (TAG \"a\") MIN 2\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX) BODY hello\r\n", "* ESEARCH (TAG \"a\") MIN 1 MAX 599\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MAX MIN) 77\r\n", "* ESEARCH (TAG \"a\") MIN 77 MAX 77\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (MAX) UID 3:300 SUBJECT one\r\n", "* ESEARCH (TAG \"a\") UID MAX 299\r\na OK ~\r\n" },
		{ "a UID SEARCH RETURN (MIN MAX) UID 3:300,302 SUBJECT two\r\n",
		  "* ESEARCH (TAG \"a\") UID MIN 4 MAX 302\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MAX) SUBJECT three\r\n", "* ESEARCH (TAG \"a\")\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX) SUBJECT three\r\n", "* ESEARCH (TAG \"a\")\r\na OK ~\r\n" },
		{ "a SEARCH RETURN (MAX SAVE) SUBJECT one\r\nb SEARCH $\r\n",
		  "* ESEARCH (TAG \"a\") MAX 599\r\na OK ~\r\n* SEARCH 599\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (MIN MAX SAVE) SUBJECT one\r\nb SEARCH $\r\n",
		  "* ESEARCH (TAG \"a\") MIN 1 MAX 599\r\na OK ~\r\n* SEARCH 1 599\r\nb OK ~\r\n" },
		{ "a SEARCH RETURN (MAX) NOT SUBJECT one\r\n", "* ESEARCH (TAG \"a\") MAX 600\r\na OK ~\r\n" },
	};
	static const size_t pages[] = { 0, 7 };

	(void)state;
	for (size_t p = 0; p < 2; p++) {
		const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000, .page_records = pages[p] };
		struct rig *r = rig_new(&o);
		struct conn *c;

		for (int i = 1; i <= 600; i++)
			fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", i % 2 == 0 ? other : letter, 0);
		c = rig_login(r, "INBOX");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			unsigned before = rig_jobs(r);

			unit_case(rows[i].send, i);
			rig_output(c);
			rig_say(c, rows[i].send, rows[i].want);
			if (i < 3 && p == 0)	/* metadata that nobody has, then what they left open */
				assert_in_range(rig_jobs(r) - before, 1, 4);
		}
		rig_free(r);
	}
}

static const char deep[] = "From: a@b.c\r\nSubject: outside\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			   "--b\r\nContent-Type: text/plain\r\nContent-Description: treasure map\r\n\r\nfirst\r\n"
			   "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?inn=C3=A9r?=\r\nX-Deep: ocean\r\n\r\nsecond\r\n"
			   "--b--\r\n";

/* RFC 9051 6.4.4: TEXT is headers (those of parts, too) and bodies, BODY is bodies, HEADER is the message's own. */
static void test_headers_inside(void **state)
{
	static const struct row rows[] = {
		{ "a SEARCH TEXT ocean\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH TEXT \"x-deep: oce\"\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH TEXT {6+}\r\nINN\xc3\x89R\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH TEXT \"description: treasure\"\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH TEXT outside\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH TEXT second\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH BODY second\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH BODY ocean\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH BODY treasure\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH BODY outside\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH HEADER X-Deep \"\"\r\n", "* SEARCH\r\na OK ~\r\n" },
		{ "a SEARCH OR HEADER X-Deep ocean BODY first\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH BODY \"\" TEXT \"\"\r\n", "* SEARCH 1\r\na OK ~\r\n" },
		{ "a SEARCH NOT BODY \"\"\r\n", "* SEARCH\r\na OK ~\r\n" },
	};
	const struct fake_options o = { .meta_header = store_meta_header, .now_s = 1795300000 };
	struct rig *r = rig_new(&o);
	struct conn *c;

	(void)state;
	fake_store_put(rig_store(r), RIG_ACCOUNT, "INBOX", deep, 0);
	c = rig_login(r, "INBOX");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].send, i);
		rig_output(c);
		rig_say(c, rows[i].send, rows[i].want);
	}
	rig_free(r);
}

/* One session's search is away; the others go on, wait in line, or leave. */
static void test_crowd(void **state)
{
	struct rig *r = rig_six();
	struct conn *away = rig_login(r, "INBOX"), *waits = rig_login(r, "INBOX"), *leaves = rig_login(r, "INBOX");
	struct conn *third = rig_login(r, "INBOX");
	unsigned before;

	(void)state;
	rig_hold(r);
	rig_output(waits);
	rig_send(away, "a SEARCH BODY hello\r\n");
	rig_send(leaves, "a SEARCH BODY hello\r\n");
	rig_send(waits, "a SEARCH BODY bye\r\n");
	rig_output(third);
	rig_say(third, "b NOOP\r\n", "b OK NOOP completed\r\n");
	rig_say(third, "c SEARCH ALL\r\n", "* SEARCH 1 2 3 4 5 6\r\nc OK ~\r\n");
	rig_close(leaves);
	rig_close(away);
	before = rig_jobs(r);
	rig_go(r);
	assert_int_equal(rig_jobs(r), before + 2);
	rig_want(waits, "* SEARCH 2 3 5\r\na OK SEARCH completed\r\n");
	rig_free(r);
}

/* storaged does not open the bodies: the search fails when AnswerTime is over, and the next one finds what is there. */
static void test_late(void **state)
{
	struct rig *r = rig_six();
	struct conn *c = rig_login(r, "INBOX");

	(void)state;
	rig_output(c);
	rig_strand(r);
	rig_send(c, "a SEARCH BODY hello\r\n");
	rig_time(r, 29000);
	rig_want(c, "* OK [INPROGRESS (\"a\" 0 6)] Still at it\r\n");
	for (int i = 0; i < 4; i++)	/* the derived file, then bodies */
		rig_time(r, 31000);
	rig_output(c);
	rig_go(r);
	rig_want(c, "a NO [UNAVAILABLE] ~\r\n");
	rig_say(c, "b SEARCH BODY hello\r\n", "* SEARCH 1 4 6\r\nb OK SEARCH completed\r\n");
	rig_free(r);
}

/* A client that sends nothing more is answered, unless its search takes long. */
static void test_ended(void **state)
{
	struct rig *r = rig_six();
	struct conn *quick = rig_login(r, "INBOX"), *slow = rig_login(r, "INBOX");

	(void)state;
	rig_output(quick);
	rig_send(quick, "a SEARCH BODY hello\r\n");
	imap_protocol.finished(rig_shell(quick));
	rig_want(quick, "* SEARCH 1 4 6\r\na OK SEARCH completed\r\n");
	rig_hold(r);
	rig_output(slow);
	rig_send(slow, "a SEARCH BODY hello\r\n");
	imap_protocol.finished(rig_shell(slow));
	rig_time(r, 900);
	assert_false(rig_closed(slow));
	rig_time(r, 200);
	assert_true(rig_closed(slow));
	rig_close(slow);
	rig_free(r);
}

struct reader {
	unsigned metas, reads;
};

static bool no_meta(void *arg, const struct store_record *record, struct span *out)
{
	(void)record;
	(void)out;
	((struct reader *)arg)->metas++;
	return false;
}

static ptrdiff_t read_zeros(void *arg, size_t i, uint64_t offset, uint8_t *to, size_t n)
{
	(void)i;
	(void)offset;
	((struct reader *)arg)->reads++;
	memset(to, '0', n);
	return (ptrdiff_t)n;
}

/* What is told to stop reads nothing more, in the middle of a message too. */
static void test_stop(void **state)
{
	const struct store_record records[2] = { { .uid = 1, .size = 50 << 20 }, { .uid = 2, .size = 50 << 20 } };
	struct reader reader = { 0, 0 };
	const struct search_source from = { &reader, no_meta, read_zeros };
	struct search_job *j;

	(void)state;
	assert_int_equal(search_job_new(&j), 0);
	j->root = arena_alloc(j->arena, sizeof(*j->root));
	j->root->op = SEARCH_BODY;
	search_job_begin(j, true);
	assert_true(search_job_add(j, &records[0], false));
	assert_true(search_job_add(j, &records[1], false));
	for (int i = 0; i < 10; i++)
		assert_true(search_job_step(j, &from));
	assert_int_equal(reader.metas, 1);
	assert_int_equal(reader.reads, 9);
	search_job_stop(j);
	assert_false(search_job_step(j, &from));
	assert_int_equal(reader.reads, 9);
	assert_int_equal(j->at, 0);
	search_job_drop(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_esearch), cmocka_unit_test(test_partial), cmocka_unit_test(test_modseq),
		cmocka_unit_test(test_dates_and_ids), cmocka_unit_test(test_emailid), cmocka_unit_test(test_uidonly),
		cmocka_unit_test(test_saved), cmocka_unit_test(test_saved_forgets), cmocka_unit_test(test_saved_failure),
		cmocka_unit_test(test_partial_pair),
		cmocka_unit_test(test_rev2),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_headers_inside),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_late), cmocka_unit_test(test_ended),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
