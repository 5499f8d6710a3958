"""A backup is made while mail comes and is moved about; restored elsewhere it has all that was acknowledged before."""
import json
import os
import re
import shutil
import threading

import pytest
from yubin import DOMAIN, PASSWORD, Site, until

TEXT = "From: x@here.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello {0}\r\n"


def seen(site, user="alice"):
    """Mailboxes, UIDVALIDITY, and UID by name of each message."""
    out, imap = {}, site.imap(user)
    for line in imap.list()[1]:
        name = line.decode().rsplit(' "/" ', 1)[1].strip('"')
        if b"Noselect" in line or b"NonExistent" in line:
            continue
        imap.select(f'"{name}"', readonly=True)
        parts = imap.uid("FETCH", "1:*", "(UID BODY.PEEK[])")[1]
        messages = {re.search(rb"<(.*)@", p[1])[1].decode(): int(re.search(rb"UID (\d+)", p[0])[1])
                    for p in parts if isinstance(p, tuple)}
        assert all(p[1] == TEXT.format(re.search(rb"<(.*)@", p[1])[1].decode()).encode() for p in parts
                   if isinstance(p, tuple) and b"Subject: t" not in p[1] and b"Received:" not in p[1])
        out[name] = (int(imap.response("UIDVALIDITY")[1][0]), messages)
    imap.logout()
    return out


def all_names(boxes):
    return {name for _, messages in boxes.values() for name in messages}


@pytest.fixture
def site(tmp_path):
    s = Site(tmp_path / "site", settings={"deliverd": ["Route * 127.0.0.1:1"]})
    s.start()
    yield s
    s.stop()


def append(site, names, mailbox="INBOX"):
    imap = site.imap()
    for name in names:
        imap.append(mailbox, r"(\Seen)", None, TEXT.format(name).encode())
    imap.logout()


def waits(site):
    return {e["message_id"] for e in json.loads(site.run("queue", "list", "--json").stdout)}


def submit(site, name):
    with site.submit() as smtp:
        smtp.sendmail(f"alice@{DOMAIN}", ["b@far.test"], TEXT.format(name).replace("x@", "alice@"))


class Load(threading.Thread):
    """Delivers, and moves all messages to another mailbox and back."""
    def __init__(self, site):
        super().__init__()
        self.site, self.go, self.fault = site, True, None

    def run(self):
        try:
            imap, n = self.site.imap(), 0
            while self.go:
                n += 1
                imap.append("INBOX", None, None, TEXT.format(f"new{n}").encode())
                for a, b in (("INBOX", "Archive"), ("Archive", "INBOX")):
                    imap.select(a)
                    imap._simple_command("MOVE", "1:*", b)
            imap.logout()
        except Exception as e:      # pylint: disable=broad-except
            self.fault = e


def test_under_load(site, tmp_path):
    append(site, [f"m{i}" for i in range(200)])
    submit(site, "q1")
    before = all_names(seen(site))
    load = Load(site)
    load.start()
    try:
        for i in range(3):
            told = site.run("store", "backup", str(tmp_path / f"b{i}")).stdout
            assert "private keys" in told
    finally:
        load.go = False
        load.join()
    assert load.fault is None
    queue = waits(site)
    for i in range(3):
        to = tmp_path / f"r{i}"
        site.run("store", "restore", str(tmp_path / f"b{i}"), "--to", str(to))
    site.stop()     # the restored one has its ports
    for i in range(3):
        other = Site.__new__(Site)
        other.path, other.base, other.tls = tmp_path / f"r{i}", site.base, site.tls
        other.start()
        try:
            boxes = seen(other)
            assert before <= all_names(boxes)
            assert waits(other) == queue
        finally:
            other.stop()
        assert other.run("store", "check").stdout.endswith("no damage found.\n")


def test_since(site, tmp_path):
    """Messages that the earlier backup has are not copied again; it may go, all the same."""
    append(site, ["m1", "m2"])
    site.run("store", "backup", str(tmp_path / "one"))
    append(site, ["m3"])
    told = site.run("store", "backup", str(tmp_path / "two"), "--since", str(tmp_path / "one")).stdout
    assert " 2 of them from the earlier backup" in told
    same = [p for p in (tmp_path / "two/mail").rglob("cur/*") if p.stat().st_nlink == 2]
    assert len(same) == 2
    shutil.rmtree(tmp_path / "one")
    site.stop()
    site.run("store", "restore", str(tmp_path / "two"))
    site.start()
    assert all_names(seen(site)) == {"m1", "m2", "m3"}


def test_numbers(site, tmp_path):
    """UIDs that were given since the backup are not given again to other messages."""
    append(site, ["m1", "m2"])
    site.run("store", "backup", str(tmp_path / "b"))
    append(site, [f"later{i}" for i in range(3)])
    uidvalidity, messages = seen(site)["INBOX"]
    site.stop()
    site.run("store", "restore", str(tmp_path / "b"))
    site.start()
    append(site, ["other"])
    after = seen(site)["INBOX"]
    assert after[0] == uidvalidity
    assert after[1]["m1"] == messages["m1"] and after[1]["m2"] == messages["m2"]
    assert after[1]["other"] > max(messages.values())
    assert "later0" not in after[1]
    assert (site.path / "mail.before").is_dir()


def small_files(home):
    return {name: b"".join(f.read_bytes() for f in home.rglob(name)) for name in ("flags", "account", "annotations")}


def kill_storaged(site):
    dead = site.pids("storaged")[0]
    os.kill(dead, 9)
    until(lambda: site.pids("storaged") not in ([], [dead]) and site.run("queue", "list", ok=False).returncode == 0)


@pytest.fixture
def busy(tmp_path):
    """Nothing has been quiet for long enough."""
    s = Site(tmp_path / "site", settings={"storaged": ["QuietTime 5m"]})
    s.start()
    append(s, ["a", "b"])
    imap = s.imap()
    imap.select("INBOX")
    imap.store("2", "+FLAGS", r"(\Flagged $Later)")
    imap.subscribe("not/there")
    imap.logout()
    with s.secure("imaps") as c:
        c.line()
        c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')
        c.tagged('SETMETADATA INBOX (/private/comment "mine")')
    yield s
    s.stop()


@pytest.mark.parametrize("crash", [False, True], ids=["alive", "after a crash"])
def test_small_files_are_brought_up_to_date(busy, tmp_path, crash):
    """Those of a moment ago; and of an account that nobody has used since storaged died."""
    if crash:
        kill_storaged(busy)
    r = busy.run("store", "backup", str(tmp_path / "b"))
    assert r.stderr == "", r.stderr
    files = small_files(tmp_path / "b/mail/here.test/alice")
    assert b"$Later" in files["flags"] and b"not/there" in files["account"] and b"mine" in files["annotations"], files


def test_flags_are_written_after_a_crash(busy):
    """Without anybody who looks at the account."""
    home = busy.path / "mail/here.test/alice"
    assert b"$Later" not in small_files(home)["flags"]
    kill_storaged(busy)
    until(lambda: b"$Later" in small_files(home)["flags"])


@pytest.mark.parametrize("harm", ["byte", "cut", "gone", "manifest", "short manifest"])
def test_damaged(site, tmp_path, harm):
    """Nothing is replaced by a backup that is not what was saved."""
    append(site, ["m1", "m2"])
    b = tmp_path / "b"
    site.run("store", "backup", str(b))
    message, manifest = next((b / "mail").rglob("cur/*")), b / "manifest"
    data = message.read_bytes()
    if harm == "byte":
        message.write_bytes(data[:-3] + b"x" + data[-2:])
    elif harm == "cut":
        message.write_bytes(data[:-1])
    elif harm == "gone":
        message.unlink()
    elif harm == "manifest":
        manifest.write_bytes(manifest.read_bytes().replace(b"created", b"Created", 1))
    else:
        manifest.write_bytes(manifest.read_bytes()[:-80])
    site.stop()
    r = site.run("store", "restore", str(b), ok=False)
    assert r.returncode == 1 and "damaged" in r.stderr
    assert not (site.path / "mail.before").exists() and not (site.path / "mail.restoring").exists()
    site.start()
    assert all_names(seen(site)) == {"m1", "m2"}


def test_one_account(site, tmp_path):
    append(site, ["m1", "m2"])
    append(site, ["s1"], "Sent")
    site.run("store", "backup", str(tmp_path / "b"))
    imap = site.imap()
    imap.select("INBOX")
    imap.store("1:*", "+FLAGS", r"\Deleted")
    imap.expunge()
    imap.logout()
    append(site, ["now"])
    site.stop()
    site.run("store", "restore", str(tmp_path / "b"), "--account", f"alice@{DOMAIN}", "--mailbox", "INBOX")
    assert site.run("store", "check").stdout.endswith("no damage found.\n")
    site.start()
    boxes = seen(site)
    again = [name for name in boxes if name.startswith("Restored ")]
    assert len(again) == 1 and again[0].endswith("/INBOX")
    assert set(boxes[again[0]][1]) == {"m1", "m2"} and set(boxes["INBOX"][1]) == {"now"}
    site.stop()
    site.run("store", "restore", str(tmp_path / "b"), "--account", f"alice@{DOMAIN}")
    site.start()
    assert {"m1", "m2", "s1", "now"} <= all_names(seen(site))


def test_refused(site, tmp_path):
    append(site, ["m1"])
    b = tmp_path / "b"
    site.run("store", "backup", str(b))
    for words in (["backup", str(b)], ["restore", str(b)], ["restore", str(tmp_path)],
                  ["backup", str(tmp_path / "c"), "--since", str(site.path)]):
        r = site.run("store", *words, ok=False)
        assert r.returncode == 1 and r.stderr.startswith("yubin: "), words
    for words in (["backup"], ["restore"], ["restore", str(b), "--mailbox", "INBOX"], ["backup", "a", "b"]):
        assert site.run("store", *words, ok=False).returncode == 2
    # What is called like one that broke off, and is none, stays.
    (tmp_path / "d.part").mkdir()
    (tmp_path / "d.part/mine").write_text("x")
    assert "move it away" in site.run("store", "backup", str(tmp_path / "d"), ok=False).stderr
    assert (tmp_path / "d.part/mine").exists() and not (tmp_path / "d").exists()
    # One that broke off helps the next.
    os.rename(b, tmp_path / "b.part")
    (tmp_path / "b.part/manifest").unlink()
    assert " 1 of them" in site.run("store", "backup", str(tmp_path / "e"), "--since", str(tmp_path / "b.part")).stdout
    site.stop()
    before = sorted(p.name for p in site.path.iterdir())
    assert "all of them what was saved." in site.run("store", "restore", str(tmp_path / "e"), "--dry-run").stdout
    assert sorted(p.name for p in site.path.iterdir()) == before
