"""What goes out as a Maildir++ or as mbox files comes in again as it was; Dovecot's Maildir too."""
import mailbox
import os
import re
import signal
import subprocess
import time

import pytest
from test_store_import import VALIDITY, child_of, fetch, maildir, many, message
from yubin import YUBIN, Site, until


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


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_what_is_damaged_is_named(site, tmp_path, form):
    """It keeps nobody else back."""
    site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "source")))
    file = next((site.path / "mail/here.test/alice").glob("*/cur/12.*"))
    file.write_bytes(b"half")
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"), "--format", form, ok=False)
    assert r.returncode == 1 and "skipped: INBOX: the message with UID 12: the data on disk are damaged" in r.stderr, r.stderr
    assert "5 messages exported" in r.stdout and "1 skipped" in r.stdout, r.stdout


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_what_was_damaged_comes_once_it_is_whole(site, tmp_path, form):
    """What an export had to leave out is not taken for written by the next one."""
    site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "source")))
    file = next((site.path / "mail/here.test/alice").glob("*/cur/12.*"))
    was = file.read_bytes()
    file.write_bytes(b"half")
    assert export(site, tmp_path / "out", form, ok=False).returncode == 1
    assert export(site, tmp_path / "out", form, ok=False).returncode == 1
    file.write_bytes(was)
    export(site, tmp_path / "out", form)
    assert "6 were there already" in export(site, tmp_path / "out", form).stdout
    back = tmp_path / "out/INBOX" if form == "mbox" else tmp_path / "out"
    assert f"{3 if form == 'mbox' else 6} messages imported" in site.run("store", "import", "bob@here.test", str(back)).stdout


def test_an_mbox_that_was_cut_is_written_anew(site, tmp_path):
    """By an older version, or on another machine."""
    site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "source")))
    export(site, tmp_path / "out", "mbox")
    whole = (tmp_path / "out/INBOX").read_bytes()
    ends = [m.start() for m in re.finditer(rb"^From ", whole, re.M)][1:]
    for size in (0, 1, *ends):
        os.truncate(tmp_path / "out/INBOX", size)
        assert "3 messages exported" in export(site, tmp_path / "out", "mbox").stdout, size
        assert (tmp_path / "out/INBOX").read_bytes() == whole
    assert "6 were there already" in export(site, tmp_path / "out", "mbox").stdout


# --- stopped, and run again ------------------------------------------------------------------------

MANY = 3000


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A site with so many messages that an export takes a while."""
    path = tmp_path_factory.mktemp("full")
    s = Site(path / "site")
    s.start()
    s.run("store", "import", "alice@here.test", str(many(path / "m", MANY)))
    yield s
    s.stop()


def started(path, form):
    """It has begun to write."""
    return (path / ".INBOX.part").exists() if form == "mbox" else (path / "cur").exists() and any(os.scandir(path / "cur"))


def whole(path, form):
    """Every message is there, once; nothing else is."""
    want = {2 * n: message(n) for n in range(1, MANY + 1)}
    if form == "mbox":
        box = mailbox.mbox(path / "INBOX")
        assert [int(m["X-UID"]) for m in box] == sorted(want)
        assert all(m.get_payload() == "x" * 40 + "\n" for m in box)
        assert not [f for f in os.listdir(path) if f.endswith(".part")]
        return
    got = {}
    for file in os.scandir(path / "cur"):
        uid = int(re.search(r"[.]U(\d+)V", file.name)[1])
        assert uid not in got, "twice"
        with open(file.path, "rb") as f:
            got[uid] = f.read()
    assert got == want
    assert os.listdir(path / "tmp") == os.listdir(path / "new") == []
    assert (path / "dovecot-uidlist").read_text().count("\n") == MANY + 1


def export(site, out, form, ok=True):
    return site.run("store", "export", "alice@here.test", str(out), "--format", form, ok=ok)


@pytest.mark.parametrize("form", ["maildir", "mbox"])
@pytest.mark.parametrize("victim", ["the command", "storaged", "its storaged"])
def test_killed_and_run_again(full, tmp_path, victim, form):
    if victim == "its storaged":
        full.stop()
    for attempt in range(10):
        out = tmp_path / str(attempt)
        storaged = full.pids("storaged")[0] if victim == "storaged" else None
        command = subprocess.Popen([YUBIN, "-C", str(full.path), "store", "export", "alice@here.test", str(out), "--format", form],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not started(out, form) and command.poll() is None:
            time.sleep(0.001)
        if command.poll() is None:
            os.kill(storaged or (child_of(command.pid) if victim == "its storaged" else command.pid), signal.SIGKILL)
        said = command.communicate(timeout=120)[1]
        if command.returncode != 0:
            break
    assert command.returncode == (-9 if victim == "the command" else 1), said
    if victim != "the command":
        assert "storaged has gone" in said, said
    until(lambda: export(full, out, form, ok=False).returncode == 0)	# the dead one's locks are gone
    whole(out, form)
    assert f"{MANY} were there already" in export(full, out, form).stdout
    if victim == "its storaged":
        full.start()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")
@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_full_disk(full, tmp_path, form):
    out = tmp_path / "disk"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=755", "none", str(out)], capture_output=True).returncode != 0:
        pytest.skip("no mount here")
    try:
        r = export(full, out, form, ok=False)
        assert r.returncode == 1 and "No space left on device" in r.stderr, r.stderr
        if form == "maildir":
            assert "run it again to go on" in r.stderr
            written = [f.stat().st_size for f in os.scandir(out / "cur")]
            assert written and min(written) >= len(message(1)), "half a message"
            assert os.listdir(out / "tmp") == []
        else:
            assert "0 messages exported" in r.stdout and not (out / "INBOX").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
        r = export(full, out, form)
        assert ("were there already" in r.stdout) == (form == "maildir"), r.stdout
        whole(out, form)
    finally:
        subprocess.run(["umount", "-l", str(out)], check=True)


def test_one_at_a_time(full, tmp_path):
    """Two that write to one folder would take each other's files."""
    for attempt in range(10):
        out = tmp_path / str(attempt)
        command = subprocess.Popen([YUBIN, "-C", str(full.path), "store", "export", "alice@here.test", str(out)], stdout=subprocess.PIPE, text=True)
        while not started(out, "maildir") and command.poll() is None:
            time.sleep(0.001)
        os.kill(command.pid, signal.SIGSTOP)
        if command.poll() is None:
            break
    r = export(full, out, "maildir", ok=False)
    os.kill(command.pid, signal.SIGCONT)
    assert r.returncode == 1 and "another export writes to" in r.stderr, r.stderr
    assert f"{MANY} messages exported" in command.communicate(timeout=120)[0]
    whole(out, "maildir")


def test_what_a_power_cut_has_cut(full, tmp_path):
    """A file that is shorter than its name says is written anew."""
    export(full, tmp_path / "out", "maildir")
    for file in sorted(os.scandir(tmp_path / "out/cur"), key=lambda f: f.name)[:3]:
        os.truncate(file.path, 0)
    r = export(full, tmp_path / "out", "maildir")
    assert "3 messages exported" in r.stdout and f"{MANY - 3} were there already" in r.stdout, r.stdout
    whole(tmp_path / "out", "maildir")
