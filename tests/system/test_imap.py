"""IMAP as daily programs use it: login, mailboxes, reading, flags, IDLE, and bad input."""
import imaplib
import re
import time

import pytest
from yubin import DOMAIN, PASSWORD, until

SIMPLE = "From: A <a@there.test>\r\nTo: alice@here.test\r\nSubject: plain\r\nDate: Sat, 21 Nov 2026 20:41:18 +0900\r\n" \
         "Message-ID: <1@there.test>\r\n\r\nhello world\r\n"
MULTI = "From: a@there.test\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" \
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9\r\n" \
        "--b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--b--\r\n"


@pytest.fixture
def box(site):
    """A fresh mailbox of alice's, selected, with two messages in it."""
    name = f"Box{time.monotonic_ns()}"
    imap = site.imap()
    imap.create(name)
    for text in (SIMPLE, MULTI):
        imap.append(name, None, None, text.encode())
    imap.select(name)
    imap.name = name
    yield imap
    imap.logout()


def login(site):
    c = site.secure("imaps")
    assert c.line().startswith("* OK")
    assert c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK")
    return c


def test_capability_before_and_after_tls(site):
    with site.raw("imap") as c:
        assert c.line().startswith("* OK")
        before = c.tagged("CAPABILITY")[0]
        assert "STARTTLS" in before and "LOGINDISABLED" in before and "AUTH=" not in before
        assert "[PRIVACYREQUIRED]" in c.tagged(f"LOGIN alice@{DOMAIN} x")[-1]
        assert "[PRIVACYREQUIRED]" in c.tagged("AUTHENTICATE PLAIN")[-1]
        assert c.tagged("STARTTLS")[-1].startswith("t OK")
        with site.tls.wrap_socket(c.sock, server_hostname="localhost") as s:
            s.sendall(b"a CAPABILITY\r\n")
            after = s.recv(4096).decode()
            assert "STARTTLS" not in after and "LOGINDISABLED" not in after and "AUTH=PLAIN AUTH=LOGIN" in after


def test_rev2_is_enabled(site):
    with login(site) as c:
        assert " IMAP4rev2 " in c.tagged("CAPABILITY")[0]
        assert c.tagged("ENABLE IMAP4rev2")[0] == "* ENABLED IMAP4rev2"
        rows = c.tagged("SELECT Sent")
        assert '* LIST (\\Sent \\Subscribed) "/" "Sent"' in rows and not [r for r in rows if "RECENT" in r], rows
        assert c.tagged("SEARCH ALL")[0].startswith('* ESEARCH (TAG "t")')
        assert c.tagged("SELECT INBOX")[0].startswith("* OK [CLOSED]")
        c.send('u CREATE "Käse"\r\n')
        assert c.line().startswith("u OK")
        assert any('"K' in r and "&" not in r for r in c.tagged('LIST "" K*'))


def test_first_login_has_the_mailboxes_with_their_roles(site):
    imap = site.imap("carol")
    rows = [x.decode() for x in imap.list()[1]]
    for name, role in (("Sent", "\\Sent"), ("Drafts", "\\Drafts"), ("Trash", "\\Trash"), ("Junk", "\\Junk"), ("Archive", "\\Archive")):
        assert any(name in r and role in r for r in rows), (name, rows)
    assert any("INBOX" in r for r in rows)
    assert len(imap.lsub()[1]) == 6
    imap.logout()


def test_login_failures(site):
    imap = imaplib.IMAP4_SSL("localhost", site.port("imaps"), ssl_context=site.tls)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login(f"alice@{DOMAIN}", "wrong")
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login(f"nobody@{DOMAIN}", PASSWORD)
    imap.authenticate("PLAIN", lambda _: f"\0alice@{DOMAIN}\0{PASSWORD}".encode())
    imap.logout()


def test_mailboxes(site):
    imap = site.imap()
    assert imap.create("Work")[0] == "OK" and imap.create("Work/2026")[0] == "OK"
    assert imap.create("Work")[0] == "NO" and imap.create("INBOX")[0] == "NO"
    assert imap.subscribe("Work/2026")[0] == "OK"
    assert b"Work/2026" in b" ".join(imap.lsub()[1])
    assert imap.rename("Work", "Job")[0] == "OK"
    assert [x.decode().split()[-1].strip('"') for x in imap.list('""', "Job*")[1]] == ["Job", "Job/2026"]
    assert b"Job/2026" in imap.list('""', "Job/%")[1][0]
    assert imap.delete("Job/2026")[0] == "OK" and imap.delete("Job")[0] == "OK"
    assert imap.delete("INBOX")[0] == "NO" and imap.select("Job")[0] == "NO"
    assert imap.create("Entw&APw-rfe")[0] == "OK"
    assert b"Entw&APw-rfe" in b" ".join(imap.list()[1])
    assert imap.delete("Entw&APw-rfe")[0] == "OK"
    imap.logout()


@pytest.mark.parametrize("name", ['""', '"/"', '"a//b"', '"../etc"', '"a/../b"', '"&bad"', '"&AGE-"', '"a\x07b"', '"' + "x" * 1100 + '"'])
def test_names_that_cannot_be(site, name):
    with login(site) as c:
        assert c.tagged(f"CREATE {name}")[-1].split()[1] in ("NO", "BAD")
        assert c.tagged("NOOP")[-1].startswith("t OK")


def test_fetch(box):
    _, data = box.fetch("1", "(FLAGS UID RFC822.SIZE INTERNALDATE ENVELOPE)")
    text = data[0].decode()
    assert f"RFC822.SIZE {len(SIMPLE)}" in text
    assert 'ENVELOPE ("Sat, 21 Nov 2026 20:41:18 +0900" "plain" (("A" NIL "a" "there.test"))' in text
    assert '"<1@there.test>")' in text
    _, data = box.fetch("2", "(BODYSTRUCTURE)")
    assert '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "QUOTED-PRINTABLE" 11 1' in data[0].decode().upper().replace("UTF-8", "utf-8") \
        or '("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable"' in data[0].decode().lower().replace("nil", "NIL")
    assert box.fetch("2", "(BODY[1])")[1][0][1].strip() == b"caf=C3=A9"
    assert box.fetch("2", "(BODY[2.MIME])")[1][0][1].startswith(b"Content-Type: application/octet-stream")
    assert box.fetch("1", "(BODY[TEXT]<2.5>)")[1][0][1] == b"llo w"
    assert box.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1] == b"Subject: plain\r\n\r\n"
    assert box.fetch("1", "(RFC822)")[1][0][1] == SIMPLE.encode()
    assert b"\\Seen" in box.fetch("1", "(FLAGS)")[1][0]
    assert box.fetch("1:2", "ALL")[0] == "OK"
    assert box.fetch("1", "(PREVIEW)")[1][0].endswith(b'PREVIEW "hello world")')
    assert box.fetch("2", "(PREVIEW (LAZY))")[1][0][1] == "café".encode()
    assert box.uid("FETCH", "1:*", "(FLAGS)")[0] == "OK"


SEARCHES = [("ALL", "1 2"), ("SUBJECT plain", "1"), ('SUBJECT "PARTS"', "2"), ("BODY café", "2"), ("TEXT hello", "1"), ("FROM there", "1 2"),
            ("NOT SUBJECT plain", "2"), ("OR SUBJECT plain SUBJECT parts", "1 2"), ("UNSEEN", "1 2"), ("SEEN", ""), ("LARGER 200", "2"),
            ("SMALLER 200", "1"), ("SENTON 21-Nov-2026", "1"), ("SENTBEFORE 22-Nov-2026", "1"), ("HEADER Message-ID 1@there", "1"), ("UID 1:1", "1"), ("2", "2"),
            ("(SUBJECT plain UNSEEN)", "1"), ("KEYWORD $x", ""), ("UNKEYWORD $x", "1 2"), ("TO alice", "1"), ("CC x", ""), ("SINCE 1-Jan-2020", "1 2"),
            ("BEFORE 1-Jan-2020", ""), ("NEW", "1 2"), ("OLD", ""), ("RECENT", "1 2"), ("DELETED", ""), ("UNDELETED", "1 2"), ("1:* UNANSWERED UNFLAGGED UNDRAFT", "1 2")]


def test_envelopes_in_any_order_and_of_any_size(site, box):
    """Metadata are read ahead in order; not beyond what they hold, and not into another message's."""
    subjects = ["x" * 30000 if i == 7 else f"number {i}" for i in range(60)]
    for i, subject in enumerate(subjects):
        folded = "\r\n ".join(subject[k:k + 900] for k in range(0, len(subject), 900))
        box.append(box.name, None, None, f"From: a@there.test\r\nSubject: {folded}\r\nIn-Reply-To: {folded}\r\nMessage-ID: {folded}\r\n\r\n{i}\r\n".encode())
    box.noop()

    def told(numbers):
        rows = [x if isinstance(x, bytes) else b"".join(x) for x in box.fetch(numbers, "(ENVELOPE)")[1] if x != b")"]
        return [re.sub(" (?=x)", "", re.search(rb'NIL "(.*?)" \(\(', r).group(1).decode()) for r in rows]
    for _ in range(2):
        assert told("3:62") == subjects
    for i in (59, 7, 0, 8, 6, 30, 7):
        assert told(str(i + 3)) == [subjects[i]]
    assert told("62,10,3,11") == [subjects[i] for i in (0, 7, 8, 59)]


@pytest.mark.parametrize("keys,want", SEARCHES)
def test_search(box, keys, want):
    if "é" in keys:
        box.literal = "café".encode()
        got = box.search("UTF-8", "BODY")
    else:
        got = box.search(None, keys)
    assert got[0] == "OK" and got[1][0].decode() == want


def test_search_bad_charset(box):
    typ, data = box.search("X-NONE", "ALL")
    assert typ == "NO" and b"BADCHARSET" in data[0]
    assert box.noop()[0] == "OK"


def test_flags_and_expunge(box):
    assert box.store("1", "+FLAGS", "(\\Flagged $Label1)")[1][0].decode().count("$Label1") == 1
    assert box.store("1", "-FLAGS", "\\Flagged")[0] == "OK"
    assert b"$Label1" in box.fetch("1", "(FLAGS)")[1][0]
    assert box.store("1:2", "FLAGS.SILENT", "(\\Deleted)")[1] == [None]
    assert box.expunge()[1] in ([b"1", b"1"], [b"2", b"1"])
    assert box.search(None, "ALL")[1] == [b""]


def test_copy_move_append_uidplus(site, box):
    imap = site.imap()
    imap.create(box.name + "2")
    imap.logout()
    typ, data = box.uid("COPY", "1:2", box.name + "2")
    assert typ == "OK" and re.fullmatch(rb"\d+ 1:2 1:2", box.response("COPYUID")[1][0])
    assert box.xatom("MOVE", "1", box.name + "2")[0] == "OK"
    assert box.search(None, "ALL")[1] == [b"1"]
    typ, data = box.append(box.name, "(\\Seen)", '"17-Jul-1996 02:44:25 -0700"', SIMPLE.encode())
    assert typ == "OK" and b"APPENDUID" in data[0]
    box.noop()
    assert b"1996" in box.fetch("*", "(INTERNALDATE)")[1][0]
    typ, data = box.append("NoSuch", None, None, b"x")
    assert typ == "NO" and b"TRYCREATE" in data[0]


def test_uid_expunge(box):
    box.store("1:2", "+FLAGS.SILENT", "\\Deleted")
    assert box.uid("EXPUNGE", "2")[0] == "OK"
    assert box.search(None, "ALL")[1] == [b"1"]


def test_idle_shows_mail_and_flags(site):
    with login(site) as c:
        c.tagged("SELECT INBOX")
        c.send("i IDLE\r\n")
        assert c.line().startswith("+")
        for attempt in range(20):	# at once, but for what the machine does besides
            site.deliver("alice", "Subject: idle\r\n\r\nx\r\n")
            t = time.monotonic()
            while "EXISTS" not in (line := c.line()):
                assert line
            if time.monotonic() - t < 0.5:
                break
        else:
            raise AssertionError("new mail is told late")
        other = site.imap()
        other.select("INBOX")
        other.store("*", "+FLAGS", "\\Flagged")
        while "FETCH" not in (line := c.line()):
            assert line
        assert "\\Flagged" in line
        other.logout()
        c.send("DONE\r\n")
        while not (line := c.line()).startswith("i OK"):
            assert line


def test_numbers_do_not_move_under_fetch(site, box):
    """RFC 9051 7.5.1: no EXPUNGE during FETCH, STORE or SEARCH; NOOP brings it."""
    other = site.imap()
    other.select(box.name)
    other.store("1", "+FLAGS.SILENT", "\\Deleted")
    other.expunge()
    other.logout()
    typ, data = box.fetch("2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert typ == "OK" and b"parts" in data[0][1]
    assert box.response("EXPUNGE")[1] == [None]
    box.noop()
    assert box.response("EXPUNGE")[1] == [b"1"]
    assert b"parts" in box.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1]


def test_examine_changes_nothing(box):
    box.select(box.name, readonly=True)
    assert box.store("1", "+FLAGS", "\\Seen")[0] == "NO"
    box.fetch("1", "(BODY[])")
    assert b"\\Seen" not in box.fetch("1", "(FLAGS)")[1][0]


def test_status_close_unselect(box):
    text = box.status(box.name, "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)")[1][0].decode()
    assert "MESSAGES 2" in text and "UNSEEN 2" in text and "UIDNEXT 3" in text
    box.store("1", "+FLAGS", "\\Deleted")
    assert box.xatom("UNSELECT")[0] == "OK"
    box.state = "AUTH"
    box.select(box.name)
    assert box.search(None, "ALL")[1] == [b"1 2"]
    box.close()
    box.select(box.name)
    assert box.search(None, "ALL")[1] == [b"1"]


BAD = ["", "x", "FROB", "SELECT", "FETCH 1 FLAGS extra stuff (", "FETCH 0 FLAGS", "FETCH 1:2:3 FLAGS", "FETCH 99999999999 FLAGS", "FETCH 1 BODY[",
       "FETCH 1 BODY[1.]", "STORE 1 FLAGS \\Nope", "SEARCH", "SEARCH FOO", "SEARCH (((((((", "SEARCH OR ALL", "SEARCH SENTON 99-Foo-2026", "UID FROB 1",
       "APPEND INBOX {99999999999999999999}", "APPEND INBOX {18446744073709551616+}", "APPEND INBOX {-1}", "LIST", 'LIST "" ', "STATUS INBOX ()",
       "STATUS INBOX (FOO)", "CREATE", "RENAME a", "COPY 1", "AUTHENTICATE", "ID (", "SEARCH " + "(" * 5000 + "ALL", "FETCH " + "1," * 30000 + "1 FLAGS",
       "\0", "NOOP \0", "X" * 70000]


@pytest.mark.parametrize("command", BAD, ids=range(len(BAD)))
def test_malformed_commands(site, command):
    with login(site) as c:
        c.tagged("SELECT INBOX")
        c.send(f"x {command}\r\n")
        line = c.line()
        while line.startswith("* ") and not line.startswith(("* BAD", "* BYE")):
            line = c.line()
        assert line.split()[1] in ("BAD", "NO", "BYE"), line
        if "BYE" not in line:
            assert c.tagged("NOOP")[-1].startswith("t OK")


def test_too_many_errors(site):
    with login(site) as c:
        for i in range(30):
            c.send(f"{i} FROB\r\n")
        assert b"* BYE" in c.rest()


def test_a_reader_that_stops_costs_no_memory(site):
    """Back-pressure: 200 MB asked for by one who reads nothing."""
    imap = site.imap("bob")
    imap.create("Large")
    for _ in range(5):
        imap.append("Large", None, None, b"Subject: l\r\n\r\n" + b"x" * 76 + b"\r\n" * 500000)
    imap.logout()
    c = site.secure("imaps")
    c.line()
    c.tagged(f'LOGIN bob@{DOMAIN} "{PASSWORD}"')
    c.tagged("SELECT Large")
    before = max(rss(p) for p in site.pids("imapd"))
    for i in range(40):
        c.send(f"{i} FETCH 1:* BODY.PEEK[]\r\n")
    time.sleep(1.5)
    assert max(rss(p) for p in site.pids("imapd")) - before < 8000
    until(lambda: is_served_soon(site))
    c.close()


def is_served_soon(site):
    t = time.monotonic()
    other = site.imap()
    other.noop()
    other.logout()
    return time.monotonic() - t < 1.0


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0
