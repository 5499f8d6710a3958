"""A store is damaged in each way that can be done to its files; check names it, repair mends it, and nothing that was
there is missing afterwards."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from yubin import DOMAIN, PASSWORD, TOP, Site, until

TEXT = "From: x@here.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello {0}\r\n"
FAR = "From: alice@here.test\r\nTo: b@far.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello\r\n"
PARTS = ("mail", "queue", "db")


class Store:
    """A stopped site whose store can be put back as it was."""
    def __init__(self, path):
        self.site = Site(path, settings={"deliverd": ["Route * 127.0.0.1:1"]})
        self.site.start()
        self.fill()
        self.before = self.seen()
        self.site.stop()
        self.top = self.site.path
        for part in PARTS:
            self.copy(self.top / part, self.top / f"{part}.kept")
        home = self.top / "mail" / DOMAIN / "alice"
        by_name = {re.search(r"^name (.*)$", (f / "state").read_text(), re.M)[1]: f for f in home.glob("0*")}
        self.inbox, self.work = by_name["INBOX"], by_name["Work"]
        self.home = home

    @staticmethod
    def copy(a, b):
        shutil.rmtree(b, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", a, b], check=True)

    def fill(self):
        imap = self.site.imap()
        imap.create("Work")
        for name in range(1, 9):
            imap.append("INBOX", r"(\Seen $Later)" if name % 2 else None, None, TEXT.format(f"m{name}").encode())
        for name in range(1, 4):
            imap.append("Work", None, None, TEXT.format(f"w{name}").encode())
        imap.xatom("SETMETADATA", "INBOX", '(/private/comment "mine")')
        imap.xatom("SETMETADATA", '""', '(/private/comment "of the account")')
        imap.logout()
        for name in ("q1", "q2"):
            with self.site.submit() as smtp:
                smtp.sendmail(f"alice@{DOMAIN}", ["b@far.test"], FAR.format(name))

    def restore(self):
        for part in PARTS:
            self.copy(self.top / f"{part}.kept", self.top / part)

    def seen(self):
        """What a mail program sees: UIDVALIDITY, and UID and flags of each message by its name."""
        out, imap = {}, self.site.imap()
        for line in imap.list()[1]:
            name = line.decode().rsplit(' "/" ', 1)[1].strip('"')
            imap.select(f'"{name}"', readonly=True)
            messages = {}
            parts = imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
            for part in parts:
                if isinstance(part, tuple):
                    at = re.search(rb"<(.*)@here", part[1])
                    uid = int(re.search(rb"UID (\d+)", part[0])[1])
                    flags = frozenset(re.search(rb"FLAGS \(([^)]*)", part[0])[1].split()) - {rb"\Recent"}
                    messages[at[1].decode() if at else f"uid {uid}"] = (uid, flags)
            out[name] = (int(imap.response("UIDVALIDITY")[1][0]), messages)
        imap.logout()
        waits = {e["message_id"] for e in json.loads(self.site.run("queue", "list", "--json").stdout)}
        out["queue"] = (0, {re.search("<(.*)@", w)[1]: (0, frozenset()) for w in waits})
        return out

    # --- its files ---------------------------------------------------------
    def message(self, name, mailbox=None):
        for f in (mailbox or self.inbox).glob("cur/*"):
            if f"<{name}@".encode() in f.read_bytes():
                return f
        raise AssertionError(name)

    def queued(self, name, end=".mail"):
        mail = next(f for f in (self.top / "queue").glob("*.mail") if f"<{name}@".encode() in f.read_bytes())
        return mail.with_suffix(end)

    def check(self, *args):
        r = self.site.run("store", "check", "--json", *args, ok=False)
        return r.returncode, json.loads(r.stdout)


def tree(top):
    return {str(p.relative_to(top)): (p.lstat().st_mode, p.lstat().st_uid, p.lstat().st_size if p.is_file() else 0)
            for part in ("mail", "queue") for p in (top / part).rglob("*")}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    s = Store(tmp_path_factory.mktemp("store") / "site")
    yield s
    s.site.stop()


def owned(path, like):
    st = like.stat()
    if os.geteuid() == 0:
        os.chown(path, st.st_uid, st.st_gid, follow_symlinks=False)


def put(path, data, like):
    path.write_bytes(data)
    path.chmod(0o600)
    owned(path, like)


def put_folder(path, like):
    path.mkdir(mode=0o700)
    owned(path, like)


# --- what is done to it; gives the names of messages that are gone, and of those that get a new UID ------------
def symlink(s):
    f = s.message("m3")
    f.unlink()
    f.symlink_to("/etc/passwd")
    return {"m3"}, set()


def fifo(s):
    f = s.message("m3")
    f.unlink()
    os.mkfifo(f, 0o600)
    return {"m3"}, set()


def folder_for_file(s):
    f = s.message("m3")
    f.unlink()
    put_folder(f, s.inbox)
    return {"m3"}, set()


def folder_is_link(s):
    (s.work / "cur").rename(s.top / "elsewhere")
    (s.work / "cur").symlink_to(s.top / "elsewhere")
    return {"w1", "w2", "w3"}, set()


def wrong_owner(s):
    os.chown(s.message("m3"), 0, 0)
    os.chown(s.work, 0, 0)


def wrong_mode(s):
    s.message("m3").chmod(0o644)
    s.work.chmod(0o755)


def strange_message(s):
    f = s.message("m3")
    f.rename(f.parent / "1699.V1.host:2,S")
    return set(), {"m3"}


def strange_names(s):
    for where in (s.inbox / "cur/.DS_Store", s.inbox / "dovecot.index", s.home / "notes", s.top / "mail/%zz", s.top / "queue/core"):
        put(where, b"\0\1\2", s.inbox)


def leftovers(s):
    put(s.inbox / "state.new", b"half", s.inbox)
    put(s.top / "mail/tmp/0123456789abcdef", b"half", s.inbox)


def state_cut(s):
    (s.work / "state").write_bytes((s.work / "state").read_bytes()[:40])


def state_gone(s):
    (s.work / "state").unlink()


def flags_edited(s):
    f = s.inbox / "flags"
    f.write_text(f.read_text().replace("$Later", "$Sooner", 1))


def account_cut(s):
    put(s.home / "account", b"yubin account 1\n", s.inbox)


def notes_cut(s):
    f = s.inbox / "annotations"
    os.truncate(f, f.stat().st_size - 3)


def account_notes_edited(s):
    f = s.home / "annotations"
    f.write_text(f.read_text().replace("account", "nobody!", 1))


def folder_of_root(s):
    os.chown(s.work, 0, 0)


def index_gone(s):
    for f in (s.top / "db").iterdir():
        if f.name != "reserve":
            f.unlink()


def index_pages(s):
    f = s.top / "db/index"
    data = bytearray(f.read_bytes())
    for at in range(4096 + 64, len(data), 4096):
        data[at:at + 64] = bytes(64)
    f.write_bytes(data)


def other_account(s):
    new = s.top / "mail" / DOMAIN / "carol"
    s.copy(s.home, new)


def account_folder_gone(s):
    shutil.rmtree(s.home)
    return {f"m{i}" for i in range(1, 9)} | {f"w{i}" for i in range(1, 4)}, set()


def folder_twice(s):
    s.copy(s.work, s.home / "000000f0")


def mailbox_gone(s):
    shutil.rmtree(s.work)
    return {"w1", "w2", "w3"}, set()


def state_old(s):
    """Written as if the mailbox had never been used."""
    text = re.sub(r"uid-floor \d+", "uid-floor 1", (s.work / "state").read_text())
    text = text[:text.index("sum ")]
    (s.work / "state").write_text(text + "sum " + hashlib.blake2b(text.encode(), digest_size=16).hexdigest() + "\n")


def new_file(s):
    """Below UIDNEXT, as after a restore of files alone; the UID is free: m8 was the last but for it."""
    text = TEXT.format("new").encode()
    put(s.inbox / "cur/500.00112233445566778899aabbccddeeff", text, s.inbox)


def file_of_never(s):
    put(s.inbox / "cur/3000000000.00112233445566778899aabbccddeeff", TEXT.format("new").encode(), s.inbox)


def file_gone(s):
    s.message("m3").unlink()
    return {"m3"}, set()


def cut(s):
    f = s.message("m3")
    f.write_bytes(f.read_bytes()[:-4])
    return set(), {"m3"}


def longer(s):
    f = s.message("m3")
    f.write_bytes(f.read_bytes() + b"and more\r\n")
    return set(), {"m3"}


def other_guid(s):
    f = s.message("m3")
    f.rename(f.with_suffix(".00112233445566778899aabbccddeeff"))
    return set(), {"m3"}


def twins(s):
    f, g = s.message("m3"), s.message("m4")
    g.rename(g.parent / (f.name.split(".")[0] + "." + g.name.split(".")[1]))
    return set(), {"m4"}


def derived_garbage(s):
    f = s.home / "derived"
    f.write_bytes(b"\xff" * f.stat().st_size)


def queue_mail_gone(s):
    s.queued("q1").unlink()
    return {"q1"}, set()


def queue_mail_cut(s):
    f = s.queued("q1")
    f.write_bytes(f.read_bytes()[:20])
    return {"q1"}, set()


def queue_envelope_gone(s):
    s.queued("q1", ".envelope").unlink()


def queue_envelope_bad(s):
    s.queued("q1", ".envelope").write_text("yubin-queue 1\nid nonsense\n")


def queue_unknown(s):
    put(s.top / "queue/ABCDEF0123.mail", b"x", s.inbox)
    put(s.top / "queue/ABCDEF0123.envelope", b"x", s.inbox)


# the word it must be called by, what was done, does it count as damage
ROWS = [
    ("wrong-type", symlink, 1),
    ("wrong-type", fifo, 1),
    ("wrong-type", folder_for_file, 1),
    ("wrong-type", folder_is_link, 1),
    ("wrong-owner", wrong_owner, 1),
    ("wrong-mode", wrong_mode, 1),
    ("strange-name", strange_message, 1),
    ("strange-name", strange_names, 1),
    ("leftover", leftovers, 0),
    ("state-unreadable", state_cut, 1),
    ("state-unreadable", state_gone, 1),
    ("flags-unreadable", flags_edited, 1),
    ("account-unreadable", account_cut, 1),
    ("annotations-unreadable", notes_cut, 1),
    ("annotations-unreadable", account_notes_edited, 1),
    ("unreadable", folder_of_root, 1),
    ("index-damaged", index_gone, 1),
    ("index-damaged", index_pages, 1),
    ("account-without-record", other_account, 1),
    ("account-without-folder", account_folder_gone, 1),
    ("folder-without-mailbox", folder_twice, 1),
    ("mailbox-without-folder", mailbox_gone, 1),
    ("state-old", state_old, 1),
    ("file-without-record", new_file, 1),
    ("file-without-record", file_of_never, 1),
    ("record-without-file", file_gone, 1),
    ("wrong-size", cut, 1),
    ("wrong-size", longer, 1),
    ("wrong-guid", other_guid, 1),
    ("two-files-one-uid", twins, 1),
    ("derived-unfit", derived_garbage, 0),
    ("queue-no-message", queue_mail_gone, 1),
    ("queue-wrong-size", queue_mail_cut, 1),
    ("queue-no-envelope", queue_envelope_gone, 0),
    ("queue-envelope-damaged", queue_envelope_bad, 1),
    ("queue-file-unknown", queue_unknown, 0),
]


# What else is wrong then.
ALSO = {symlink: {"record-without-file"}, fifo: {"record-without-file"}, folder_for_file: {"record-without-file"},
        folder_is_link: {"mailbox-without-folder"}, strange_message: {"record-without-file"}, twins: {"record-without-file"},
        wrong_owner: {"unreadable"}, folder_of_root: {"wrong-owner"}}


def test_every_kind():
    """No kind of finding is without a row, here or where the index is damaged by itself."""
    words = set(re.findall(r"\[CHECK_\w+\] = \{\s*\"([a-z-]+)\"", (TOP / "storage/local/check_kinds.c").read_text()))
    unit = set(re.findall(r'"([a-z-]+)"', (TOP / "tests/unit/test_local_check.c").read_text()))
    assert len(words) > 30
    assert words == {word for word, _, _ in ROWS} | (words & unit)


def ledger(top, everywhere):
    """Each message by its bytes; everywhere: whatever it is called, in .lost too."""
    out = set()
    for part, names in (("mail", "*/*/*/cur/*"), ("queue", "*.mail")):
        files = (top / part).rglob("*") if everywhere else (top / part).glob(names)
        out |= {hashlib.sha256(p.read_bytes()).hexdigest() for p in files
            if p.is_file() and not p.is_symlink() and not p.parent.is_symlink()}
    return out


def test_clean(store):
    store.restore()
    code, told = store.check()
    assert (code, told["found"]) == (0, [])
    assert told["messages"] == 11 and told["queued"] == 2 and told["accounts"] >= 1 and told["live"] is False


def compare(before, after, gone, moved):
    for mailbox, (uidvalidity, messages) in before.items():
        assert after[mailbox][0] == uidvalidity, mailbox
        for name, (uid, flags) in messages.items():
            if name in gone:
                assert name not in after[mailbox][1]
            elif name in moved:
                assert after[mailbox][1][name][0] > max(u for u, _ in messages.values())
            else:
                assert after[mailbox][1][name] == (uid, flags), f"{mailbox} {name}"


@pytest.mark.parametrize("word,damage,code", ROWS, ids=[f"{w}-{d.__name__}" for w, d, _ in ROWS])
def test_damage(store, word, damage, code):
    if damage in (wrong_owner, folder_of_root) and os.geteuid() != 0:
        pytest.skip("only root may give files away")
    store.restore()
    gone, moved = damage(store) or (set(), set())
    damaged, bodies = tree(store.top), ledger(store.top, False)

    got, told = store.check()
    assert {f["kind"] for f in told["found"]} == {word} | ALSO.get(damage, set()), told["found"]
    assert got == code
    dry = store.site.run("store", "repair", "--dry-run", ok=False)
    assert dry.returncode == code and f" {word} " in dry.stdout and "would: " in dry.stdout
    assert tree(store.top) == damaged, "a look has changed something"

    repair = store.site.run("store", "repair")
    assert f"mended {'wrong-owner' if word == 'unreadable' else word} " in repair.stdout and "not mended" not in repair.stdout
    assert bodies <= ledger(store.top, True), "a message is lost"
    assert store.check()[1]["found"] == [], repair.stdout
    assert store.site.run("store", "repair").stdout.endswith("no damage found.\n")

    store.site.start()
    after = store.seen()
    store.site.stop()
    compare(store.before, after, gone, moved)
    if damage in (new_file, file_of_never):
        assert "new" in after["INBOX"][1]
    if damage is folder_twice:
        assert set(after["Recovered 000000f0"][1]) == {"w1", "w2", "w3"}
    assert store.check()[1]["found"] == []


def test_lost(store):
    """What has no place is kept, under its old path."""
    store.restore()
    strange_names(store)
    symlink(store)
    store.site.run("store", "repair")
    lost = {str(p.relative_to(store.top)) for p in store.top.glob("*/.lost/**/*") if not p.is_dir() or p.is_symlink()}
    box = f"mail/.lost/{DOMAIN}/alice/{store.inbox.name}"
    assert {f"{box}/cur/.DS_Store", f"{box}/dovecot.index", f"mail/.lost/{DOMAIN}/alice/notes", "mail/.lost/%zz",
            "queue/.lost/core"} <= lost
    assert any(os.path.islink(store.top / p) for p in lost)


def test_account(store):
    """Only what was asked for is looked at."""
    store.restore()
    file_gone(store)
    queue_mail_gone(store)
    assert store.check(f"bob@{DOMAIN}")[0] == 0
    code, told = store.check(f"alice@{DOMAIN}")
    assert code == 1 and [f["kind"] for f in told["found"]] == ["record-without-file"]
    store.site.run("store", "repair", f"alice@{DOMAIN}")
    assert [f["kind"] for f in store.check()[1]["found"]] == ["queue-no-message"]


def test_running(store):
    """A server that runs is left alone; what can be told beside it is."""
    store.restore()
    store.site.start()
    code, told = store.check()
    assert (code, told["live"], told["found"]) == (0, True, [])
    put(store.inbox / "cur/what", b"x", store.inbox)
    assert store.check()[0] == 1
    for words in (["repair"], ["rebuild"]):
        r = store.site.run("store", *words, ok=False)
        assert r.returncode == 1 and "the server runs" in r.stderr
    store.site.stop()


def test_rebuild(store):
    store.restore()
    store.site.run("store", "rebuild")
    assert store.check()[1]["found"] == []
    store.site.start()
    compare(store.before, store.seen(), set(), set())
    store.site.stop()


def test_usage(store):
    for words in (["check", "--nonsense"], ["check", "noname"], ["rebuild", "x"], ["mend"], []):
        assert store.site.run("store", *words, ok=False).returncode == 2
    assert pathlib.Path(store.top).exists()


def test_small_files_after_a_crash(tmp_path):
    """Flags, annotations and subscriptions that a crash met before they were written are written after it, without a
    further change: an index that is lost later costs none of them."""
    site = Site(tmp_path / "site", settings={"storaged": ["QuietTime 1m"]})
    site.start()
    imap = site.imap()
    for name in ("m1", "m2", "m3"):
        imap.append("INBOX", None, None, TEXT.format(name).encode())
    imap.logout()
    site.stop()
    site.start()
    imap = site.imap()
    imap.xatom("SETMETADATA", "INBOX", '(/private/comment "mine")')
    imap.select("INBOX")
    imap.store("2", "+FLAGS", r"(\Flagged $Later)")
    imap.subscribe("not/there")
    dead = site.pids("storaged")[0]
    os.kill(dead, 9)
    until(lambda: site.pids("storaged") not in ([], [dead]) and site.run("queue", "list", ok=False).returncode == 0)
    site.stop()
    for f in (site.path / "db").iterdir():
        f.unlink()
    site.start()
    imap = site.imap()
    imap.select("INBOX", readonly=True)
    assert rb"\Flagged" in imap.fetch("2", "(FLAGS)")[1][0] and rb"$Later" in imap.fetch("2", "(FLAGS)")[1][0]
    assert b"not/there" in b" ".join(imap.lsub()[1])
    imap.logout()
    with site.secure("imaps") as c:
        c.line()
        c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')
        assert "mine" in " ".join(c.tagged("GETMETADATA INBOX /private/comment"))
    site.stop()
