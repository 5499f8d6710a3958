"""Dovecot's own Maildir comes in as Dovecot showed it, and Dovecot shows what we wrote as we do."""
import calendar
import re
import shutil
import subprocess
import time

import pytest
from dovecot import Dovecot
from test_store_export import names, odd_mail
from test_store_import import message
from yubin import DOMAIN, PASSWORD, TOP, Site


@pytest.fixture
def site(tmp_path):
    s = Site(tmp_path / "site")
    s.start()
    yield s
    s.stop()


@pytest.fixture
def dovecot(tmp_path):
    with Dovecot(tmp_path / "dovecot") as d:
        yield d


def show(imap, mailbox):
    """UIDVALIDITY, UIDNEXT, and by UID: flags, date in seconds, bytes."""
    assert imap.select(f'"{mailbox}"', readonly=True)[0] == "OK", mailbox
    validity = int(imap.response("UIDVALIDITY")[1][0]), int(imap.response("UIDNEXT")[1][0])
    out = {}
    for part in imap.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        if isinstance(part, tuple):
            head = part[0].decode()
            flags = set(re.search(r"FLAGS \(([^)]*)\)", head)[1].split()) - {"\\Recent"}
            out[int(re.search(r"UID (\d+)", head)[1])] = flags, imaplib_date(head), part[1]
    return validity, out


def imaplib_date(head):
    text = re.search(r'INTERNALDATE "([^"]*)"', head)[1].strip()
    east = int(text[-5] + "1") * (int(text[-4:-2]) * 3600 + int(text[-2:]) * 60)
    return calendar.timegm(time.strptime(text[:-6], "%d-%b-%Y %H:%M:%S")) - east


def test_from_dovecot(site, dovecot, tmp_path):
    imap = dovecot.imap("carol")
    for name in ("Sent", "Lists", "Lists/dev", "Entw&APw-rfe", "example.com"):
        imap.create(name)
        imap.subscribe(name)
    for n in range(1, 31):
        imap.append("INBOX", "(\\Seen)" if n % 2 else None, f'"{n:2}-Mar-2021 12:00:00 +0900"', message(n))
    imap.append("Lists/dev", "(\\Flagged $Forwarded Work)", '" 1-Jan-2020 00:00:00 +0000"', message(50, 300000))
    imap.append("Entw&APw-rfe", "(\\Draft \\Deleted \\Answered)", '" 2-Jan-2020 00:00:00 +0000"', message(51))
    imap.append("example.com", None, '" 3-Jan-2020 00:00:00 +0000"', message(52))
    imap.select("INBOX")
    imap.uid("STORE", "3,5,7:9,30", "+FLAGS", "(\\Deleted)")
    imap.expunge()
    imap.uid("STORE", "10", "+FLAGS", "($Label1)")
    boxes = ["INBOX", "Lists/dev", "Entw&APw-rfe", "example.com", "Lists", "Sent"]
    want = {box: show(imap, box) for box in boxes}
    imap.logout()
    shutil.copytree(dovecot.path / "mail/carol", tmp_path / "copy")
    r = site.run("store", "import", "alice@here.test", str(tmp_path / "copy"))
    assert "27 messages imported" in r.stdout, r.stdout + r.stderr
    imap = site.imap()
    assert "Entw\u00fcrfe -> Drafts" in r.stdout
    for box in boxes:
        got = show(imap, "Drafts" if box == "Entw&APw-rfe" else box)
        assert got == want[box], box
    imap.logout()
    assert "0 messages imported" in site.run("store", "import", "alice@here.test", str(tmp_path / "copy")).stdout
    assert {"Lists/dev", "example.com", "Drafts"} <= names(site, "alice")[1]


def test_to_dovecot(site, dovecot, tmp_path):
    odd_mail(site, tmp_path)
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"))
    assert "9 messages exported" in r.stdout
    dovecot.give(tmp_path / "out", "carol")
    boxes = sorted(names(site, "alice")[0])
    ours, theirs = site.imap(), dovecot.imap("carol")
    for box in boxes:
        want, got = show(ours, box), show(theirs, box)
        assert got == want, box
    listed = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in theirs.list()[1]}
    assert set(boxes) <= listed
    # Dovecot goes on from there: the next message gets the next UID
    assert b"41" in theirs.append("INBOX", None, None, message(60))[1][0]
    ours.logout()
    theirs.logout()


def mail_of(imap, box):
    return sorted((sorted(flags), date, re.sub(rb"X-TUID: .*\r\n", b"", body)) for flags, date, body in show(imap, box)[1].values())


def test_by_mbsync(site, dovecot, tmp_path):
    """The recipe of docs/guide/moving.md, from Dovecot to here."""
    if shutil.which("mbsync") is None:
        pytest.skip("mbsync (Debian: isync) is not here")
    old = dovecot.imap("carol")
    old.create("Lists")
    for n in (1, 2):
        old.append("INBOX", "(\\Seen)" if n == 1 else None, f'"{n:2}-Mar-2021 12:00:00 +0000"', message(n))
    old.append("Lists", "(\\Flagged)", '" 4-Mar-2021 12:00:00 +0000"', message(3))
    text = (TOP / "docs/guide/moving.md").read_text()
    rc = re.search(r"cat >mbsyncrc <<'END'\n(.*?)END\n", text, re.S)[1]
    rc = rc.replace("Host imap.old.example\nPort 993\nUser anna@old.example", f"Host 127.0.0.1\nPort {dovecot.port}\nUser carol")
    rc = rc.replace("SSLType IMAPS", "SSLType None\nAuthMechs LOGIN", 1)
    rc = rc.replace("Host mail.example.org\nPort 993\nUser anna@example.org",
                    f"Host localhost\nPort {site.port('imaps')}\nUser alice@{DOMAIN}\nCertificateFile {site.path}/etc/tls/ca.pem")
    (tmp_path / "mbsyncrc").write_text(rc)
    (tmp_path / "old.password").write_text("secret\n")
    (tmp_path / "new.password").write_text(PASSWORD + "\n")
    for _ in range(2):
        r = subprocess.run(["mbsync", "-c", "mbsyncrc", "-a"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        errors = [line for line in r.stderr.splitlines() if "Error" in line]
        assert all(re.search(r"far side box (Archive|Drafts|Junk|Sent|Trash) cannot be opened", line) for line in errors), r.stderr
        ours = site.imap()
        for box in ("INBOX", "Lists"):
            assert mail_of(ours, box) == mail_of(old, box)
        ours.logout()
    old.logout()
