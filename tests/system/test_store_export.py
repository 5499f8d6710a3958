"""What goes out as a Maildir++ or as mbox files comes in again as it was; Dovecot's Maildir too."""
import os
import re

import pytest
from test_store_import import VALIDITY, fetch, maildir, message
from yubin import Site


@pytest.fixture
def site(tmp_path):
    s = Site(tmp_path / "site")
    s.start()
    yield s
    s.stop()


def names(site, user):
    imap = site.imap(user)
    out = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in imap.list()[1] if b"\\No" not in line.split(b")")[0]}
    subscribed = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in imap.lsub()[1]}
    imap.logout()
    return out, subscribed


def odd_mail(site, tmp_path):
    """alice's: all flags, keywords, holes between UIDs, mailboxes with odd names, bodies that mbox must quote."""
    site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "source")))
    imap = site.imap()
    for name in ("Lists/dev", "example.com", '"A &- B"', "&ZeVnLIqe-"):
        assert imap.create(name)[0] == "OK"
    imap.append("Lists/dev", "(\\Seen Work)", '" 1-Jan-2020 00:00:00 +0000"', b"Subject: q\r\n\r\nFrom a\r\n>From b\r\n\r\n\r\n")
    imap.append("Lists/dev", None, '" 1-Jan-2021 00:00:00 +0000"', b"Status: mine\r\nX-UID: 3\r\n\r\nFrom x Sat Nov 21 20:41:18 2026\r\n")
    imap.append("&ZeVnLIqe-", "(\\Draft \\Deleted)", '" 1-Jan-2022 00:00:00 +0000"', message(77, 300000))
    imap.logout()


def same(site, a, b, boxes):
    for box in boxes:
        assert fetch(site, box, a) == fetch(site, box, b), box


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_round_trip(site, tmp_path, form):
    odd_mail(site, tmp_path)
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"), "--format", form)
    assert "9 messages exported" in r.stdout, r.stdout
    r = site.run("store", "import", "bob@here.test", str(tmp_path / "out"))
    assert "9 messages imported" in r.stdout, r.stdout + r.stderr
    mine, subscribed = names(site, "alice")
    theirs = names(site, "bob")
    assert theirs[0] == mine
    full = [box for box in mine if fetch(site, box)[1]]
    assert len(full) == 6
    same(site, "alice", "bob", full)
    if form == "maildir":
        assert theirs[1] == subscribed
        same(site, "alice", "bob", mine)     # UIDVALIDITY of those that are empty, too


def test_again_writes_what_is_new(site, tmp_path):
    odd_mail(site, tmp_path)
    site.run("store", "export", "alice@here.test", str(tmp_path / "out"))
    imap = site.imap()
    imap.select("INBOX")
    imap.uid("STORE", "7", "+FLAGS", "(\\Flagged)")
    imap.append("INBOX", None, None, message(200))
    imap.uid("STORE", "12", "+FLAGS", "(\\Deleted)")
    imap.expunge()
    imap.logout()
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"))
    assert "1 message exported" in r.stdout and "8 were there already" in r.stdout and "1 files of an earlier" in r.stdout, r.stdout
    files = [f for f in os.listdir(tmp_path / "out/cur") if ".U7V" in f]
    assert len(files) == 1 and files[0].endswith(":2,FS")


def test_one_mailbox(site, tmp_path):
    odd_mail(site, tmp_path)
    site.run("store", "export", "alice@here.test", str(tmp_path / "out"), "--format", "mbox", "--mailbox", "Lists/dev")
    text = (tmp_path / "out/Lists.sbd/dev").read_text()
    assert re.match(r"From MAILER-DAEMON Wed Jan  1 00:00:00 2020\nX-IMAP: \d{10} 0000000002\nX-UID: 1\nStatus: RO\n", text)
    assert "\n>From a\n>>From b\n" in text
    assert os.listdir(tmp_path / "out") == ["Lists.sbd"]
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"), "--mailbox", "Nowhere", ok=False)
    assert r.returncode == 1 and "no mailbox Nowhere" in r.stderr


def test_files_of_the_maildir(site, tmp_path):
    """As Dovecot wants them."""
    odd_mail(site, tmp_path)
    site.run("store", "export", "alice@here.test", str(tmp_path / "out"))
    out = tmp_path / "out"
    lines = (out / "dovecot-uidlist").read_text().splitlines()
    assert re.fullmatch(rf"3 V{VALIDITY} N41 G[0-9a-f]{{32}}", lines[0])
    assert [line.split(" ")[0] for line in lines[1:]] == ["7", "12", "40"]
    for line in lines[1:]:
        assert len([f for f in os.listdir(out / "cur") if f.startswith(line.split(":", 1)[1] + ":2,")]) == 1
    assert (out / ".example\\2ecom/maildirfolder").exists()
    assert (out / "dovecot-keywords").read_text() == "0 $Forwarded\n1 Work\n"
    assert "Entw&APw-rfe\tAlte\n" in (out / "subscriptions").read_text()


def test_no_such_place(site, tmp_path):
    odd_mail(site, tmp_path)
    r = site.run("store", "export", "alice@here.test", "/dev/full/x", ok=False)
    assert r.returncode == 1 and "can't make the folder" in r.stderr
