"""All that a mail program can see is as it was after a backup is restored: on another folder, by another user, or one account alone."""
import grp
import os
import pathlib
import pwd
import re
import shutil
import subprocess

import pytest
from yubin import DOMAIN, PASSWORD, YUBIN, Site

TEXT = "From: x@here.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello {0}\r\n"
ALICE = f"alice@{DOMAIN}"
BOXES = ("INBOX", "Sent", "Work", "Work/&kOVPvw-", "empty")


def session(site, user="alice", password=PASSWORD):
    c = site.secure("imaps")
    c.line()
    assert c.tagged(f'LOGIN {user}@{DOMAIN} "{password}"')[-1].startswith("t OK")
    return c


def append(c, mailbox, name, flags="", date=""):
    text = TEXT.format(name)
    c.send(f't APPEND "{mailbox}" ({flags}) {date}{{{len(text)}+}}\r\n{text}\r\n')
    while not (line := c.line()).startswith("t "):
        pass
    assert line.startswith("t OK"), line


def fill(site):
    with session(site) as c:
        for name in BOXES[2:]:
            c.tagged(f'CREATE "{name}"')
        for i in range(1, 8):
            append(c, "INBOX", f"in{i}", r"\Seen $Later" if i % 2 else r"\Flagged", '"17-Jul-2001 02:44:25 -0700" ')
        append(c, "Sent", "out", r"\Seen")
        append(c, "Work", "work", r"\Answered")
        append(c, "Work/&kOVPvw-", "deep", "todo")
        c.tagged("SELECT INBOX")
        c.tagged(r"STORE 2 +FLAGS (\Deleted)")
        c.tagged("EXPUNGE")
        c.tagged("UID COPY 3:4 Work")
        c.tagged("RENAME Archive Ablage")
        c.tagged("DELETE Junk")
        c.tagged("SUBSCRIBE gone/away")
        c.tagged("UNSUBSCRIBE Drafts")
        c.tagged('SETMETADATA INBOX (/private/comment "mine" /shared/comment "100% ours")')
        c.tagged('SETMETADATA Work (/private/vendor/x "work")')
        c.tagged('SETMETADATA "" (/private/comment "of the account")')
        assert c.tagged("NOOP")[-1].startswith("t OK")


def names(c):
    lines = c.tagged('LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)') + c.tagged('LSUB "" "*"')
    return sorted(x for x in lines if x.startswith("*"))


def mailbox(c, name):
    """What it is called by, what is in it, and the counters, which may go up."""
    status = " ".join(c.tagged(f'STATUS "{name}" (MESSAGES UIDVALIDITY UIDNEXT UNSEEN SIZE MAILBOXID HIGHESTMODSEQ)'))
    counters = [int(re.search(rf"{w} (\d+)", status)[1]) for w in ("UIDNEXT", "HIGHESTMODSEQ")]
    status = re.sub(r"(UIDNEXT|HIGHESTMODSEQ) \d+", "", status)
    c.tagged(f'EXAMINE "{name}"')
    messages = []
    for line in c.tagged("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE EMAILID BODY.PEEK[])"):
        m = re.match(r"\* \d+ FETCH \((.*)", line)
        messages += [re.sub(r" MODSEQ \(\d+\)| ?\\Recent", "", m[1])] if m else [line] if not line.startswith("t ") else []
    notes = [x for x in c.tagged(f'GETMETADATA (DEPTH infinity) "{name}" (/private /shared)') if x.startswith("*")]
    return {"status": status, "messages": messages, "notes": notes}, counters


def picture(site, user="alice", password=PASSWORD):
    with session(site, user, password) as c:
        boxes, counters, listed = {}, {}, names(c)
        for line in listed:
            m = re.match(r'\* LIST \(([^)]*)\) "/" (.*)', line)
            if m and "NonExistent" not in m[1]:
                boxes[m[2].strip('"')], counters[m[2].strip('"')] = mailbox(c, m[2].strip('"'))
        quota = [x for x in c.tagged("GETQUOTAROOT INBOX") if x.startswith("*")]
        notes = [x for x in c.tagged('GETMETADATA (DEPTH infinity) "" (/private /shared)') if x.startswith("*")]
    pop = site.pop(user, password)
    uidl = pop.uidl()[1]
    pop.quit()
    return {"names": listed, "boxes": boxes, "quota": quota, "notes": notes, "uidl": uidl}, counters


def compare(before, after):
    assert after[0] == before[0]
    for name, (uidnext, modseq) in before[1].items():
        assert after[1][name][0] >= uidnext and after[1][name][1] >= modseq, name


class Saved:
    """A server that was backed up while it ran and was quiet."""
    def __init__(self, path):
        self.site = Site(path / "site", settings={"storaged": ["QuietTime 1s"]})
        self.site.run("account", "quota", ALICE, "50M")
        self.site.run("account", "forward", f"bob@{DOMAIN}", f"alice@{DOMAIN}", "--keep", ok=False)
        self.site.start()
        fill(self.site)
        self.before = picture(self.site)
        assert set(BOXES) <= set(self.before[0]["boxes"])
        self.site.stop()
        self.site.start()
        self.path = path / "b"
        self.site.run("store", "backup", str(self.path))
        self.site.stop()

    def at(self, path):
        """The site that lies in another folder now, on the same ports."""
        other = Site.__new__(Site)
        other.path, other.base, other.tls = pathlib.Path(path), self.site.base, self.site.tls
        return other

    def other(self, path, accounts=("carol",), domain=DOMAIN):
        """Another server, whose certificates are of its own."""
        return Site(path, accounts=accounts, domain=domain)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return Saved(tmp_path_factory.mktemp("saved"))


def running(site):
    site.start()
    return site


def test_other_folder(saved, tmp_path):
    site = saved.at(tmp_path / "r")
    saved.site.run("store", "restore", str(saved.path), "--to", str(site.path))
    try:
        compare(saved.before, picture(running(site)))
        with session(site) as c:        # numbers go on above what anybody has seen
            append(c, "INBOX", "after")
            uids = [int(x) for x in re.findall(r"UID (\d+)", " ".join(c.tagged("SELECT INBOX") and c.tagged("FETCH 1:* (UID)")))]
            assert uids[-1] >= saved.before[1]["INBOX"][0]
    finally:
        site.stop()
    assert site.run("store", "check").stdout.endswith("no damage found.\n")


def test_new_machine(saved, tmp_path):
    """Where there has never been a site: -C alone, its folder not made yet."""
    site = saved.at(tmp_path / "new")
    site.run("store", "restore", str(saved.path))
    try:
        compare(saved.before, picture(running(site)))
    finally:
        site.stop()


def test_dates_lost(saved, tmp_path):
    """A backup that was carried without dates and modes is restored with them."""
    carried = tmp_path / "b"
    shutil.copytree(saved.path, carried, copy_function=shutil.copyfile)
    site = saved.at(tmp_path / "r")
    saved.site.run("store", "restore", str(carried), "--to", str(site.path))
    try:
        compare(saved.before, picture(running(site)))
    finally:
        site.stop()
    assert site.run("store", "check").stdout.endswith("no damage found.\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_other_user(saved, tmp_path):
    """By a user without rights, who keeps it for himself."""
    nobody = pwd.getpwnam("nobody").pw_uid
    group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_gid
    me = {"user": nobody, "group": group, "extra_groups": []}
    if subprocess.run(["test", "-x", YUBIN], check=False, **me).returncode != 0:
        pytest.skip("the build is not for everybody's eyes")
    home = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/yubin-other-XXXXXX"], capture_output=True, text=True, check=True, **me).stdout.strip())
    try:
        shutil.copytree(saved.path, home / "b", symlinks=True)
        for path in [home / "b", *(home / "b").rglob("*")]:
            os.chown(path, nobody, group, follow_symlinks=False)
        site = saved.at(home / "site")
        for words in (["store", "verify", str(home / "b")], ["store", "restore", str(home / "b")], ["start"]):
            r = subprocess.run([YUBIN, "-C", str(site.path), *words], capture_output=True, text=True, timeout=60, cwd="/", check=False, **me)
            assert r.returncode == 0, r.stdout + r.stderr
        assert {p.lstat().st_uid for p in site.path.rglob("*")} == {nobody}
        compare(saved.before, picture(site))
        site.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def one(site, saved, *words, ok=True):
    return site.run("store", "restore", str(saved.path), "--account", ALICE, *words, ok=ok)


@pytest.mark.parametrize("others", [(), ("carol", "dave", "eve")], ids=["empty", "another number"])
def test_account_is_new(saved, tmp_path, others):
    """Where the account is not known it comes back as it was: names, ids, UIDs, password, quota."""
    site = saved.other(tmp_path / "other", accounts=others)
    site.start()
    for name in others:
        session(site, name).close()
    site.stop()
    one(site, saved)
    assert site.run("store", "check").stdout.endswith("no damage found.\n")
    mine = [(p / "accounts" / DOMAIN / "alice.account").read_bytes() for p in (saved.site.path, site.path)]
    assert mine[0] == mine[1]
    assert not (site.path / "mail/.restoring").exists()
    try:
        compare(saved.before, picture(running(site)))
        for name in others:
            session(site, name).close()
        site.deliver("alice", "Subject: new\r\n\r\nnew\r\n")
    finally:
        site.stop()


def test_account_where_nothing_ever_ran(saved, tmp_path):
    """A server that was set up and never started: no index is no damage, before and after."""
    site = saved.other(tmp_path / "other", accounts=())
    assert "0 accounts" in site.run("store", "check").stdout
    assert not (site.path / "db/index").exists()
    r = one(site, saved)
    assert "There was no index here yet: it was made from the folders." in r.stdout
    assert "damage" not in r.stdout + r.stderr and "mended" not in r.stdout + r.stderr and r.stderr == "", r.stdout + r.stderr
    assert site.run("store", "check").stdout.endswith("no damage found.\n")
    try:
        compare(saved.before, picture(running(site)))
    finally:
        site.stop()


def test_account_has_another_password(saved, tmp_path):
    """One that was added here keeps its password; if it never had mail it gets all of it."""
    site = saved.other(tmp_path / "other", accounts=())
    site.account("alice", "another one")
    one(site, saved)
    try:
        before, after = saved.before, picture(running(site), password="another one")
        for part in ("names", "boxes", "notes", "uidl"):
            assert after[0][part] == before[0][part]
    finally:
        site.stop()


def test_account_has_mail(saved, tmp_path):
    """Else its mailboxes stand beside what is there, and nothing of that is touched."""
    site = saved.other(tmp_path / "other", accounts=("alice",))
    with session(running(site)) as c:
        append(c, "INBOX", "mine")
        c.tagged('SETMETADATA "" (/private/comment "stays")')
    before = picture(site)
    site.stop()
    for _ in range(2):
        one(site, saved)
    try:
        after = picture(running(site))
    finally:
        site.stop()
    for name, box in before[0]["boxes"].items():
        assert after[0]["boxes"][name] == box
    assert after[0]["notes"] == before[0]["notes"]
    tops = {n.split("/")[0] for n in after[0]["boxes"] if n.startswith("Restored ")}
    assert len(tops) == 2
    for top in tops:
        for name, box in saved.before[0]["boxes"].items():
            again = after[0]["boxes"][f"{top}/{name}"]
            assert again["messages"] == box["messages"], name
            assert [x.replace(f"{top}/", "") for x in again["notes"]] == box["notes"]
    assert len({b["status"].split("MAILBOXID")[1] for b in after[0]["boxes"].values()}) == len(after[0]["boxes"])
    assert site.run("store", "check").stdout.endswith("no damage found.\n")


def test_account_refused(saved, tmp_path):
    """In words, and with nothing done."""
    site = saved.other(tmp_path / "other", domain="there.test", accounts=())
    before = sorted(str(p) for p in (site.path / "mail").rglob("*"))
    for words, said in (([], f"yubin domain add {DOMAIN}"), (["--account", f"nobody@{DOMAIN}"], "no account nobody"),
                        (["--account", "nonsense"], "")):
        r = one(site, saved, *words, ok=False)
        assert r.returncode == 1 and said in r.stderr, r.stderr
    site.run("domain", "add", DOMAIN)
    r = one(site, saved, "--mailbox", "No such", ok=False)
    assert r.returncode == 1 and "no such account or mailbox" in r.stderr
    assert sorted(str(p) for p in (site.path / "mail").rglob("*")) == before
    one(site, saved, "--mailbox", "Work")
    try:
        site.start()
        with site.secure("imaps") as c:
            c.line()
            assert c.tagged(f'LOGIN {ALICE} "{PASSWORD}"')[-1].startswith("t OK")
            assert mailbox(c, "Work")[0] == saved.before[0]["boxes"]["Work"]
            assert "MESSAGES 0" in mailbox(c, "INBOX")[0]["status"]
    finally:
        site.stop()
