"""A backup or a restore is killed, or meets a full or failing disk, at any of its system calls: it says so and ends with 1, nothing that
was there is harmed, and the same command again goes on and ends right."""
import collections
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest
from yubin import DOMAIN, YUBIN, Site

TEXT = "From: x@here.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello {0}\r\n"
ALICE = f"alice@{DOMAIN}"
# What changes files, or makes changes last.
CALLS = ("write", "mkdir", "mkdirat", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "fchmod", "utimensat", "fsync",
         "fdatasync", "syncfs", "sync", "ftruncate", "pwrite64", "fchownat", "fchmodat")
FAULTS = ("signal=KILL", "error=ENOSPC", "error=EIO")
CANNOT_FAIL = ("sync",)
POINTS = int(os.environ.get("YUBIN_POINTS", "2"))      # of each call, for each fault; a long form has more

strace = pytest.mark.skipif(shutil.which("strace") is None or os.getuid() != 0, reason="faults are put in by strace, as root")
root = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")


class Saved:
    def __init__(self, path):
        self.site = Site(path / "site", settings={"deliverd": ["Route * 127.0.0.1:1"]})
        self.site.start()
        imap = self.site.imap()
        imap.create("Work")
        for i in range(6):
            imap.append("Work" if i % 2 else "INBOX", r"(\Seen)", None, TEXT.format(f"m{i}").encode())
        imap.logout()
        with self.site.submit() as smtp:
            smtp.sendmail(ALICE, ["b@far.test"], TEXT.format("q1").replace("x@", "alice@"))
        self.site.stop()
        self.path = path / "b"
        self.site.run("store", "backup", str(self.path))
        self.top = path

    def reference(self):
        """What a restore makes of it that nobody disturbs."""
        to = self.top / "reference"
        if not to.exists():
            self.site.run("store", "restore", str(self.path), "--to", str(to))
        return tree(to)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return Saved(tmp_path_factory.mktemp("broken"))


def tree(top):
    """Each file and folder with its mode, owner and bytes; of what the server makes by itself nothing."""
    out = {}
    for part in ("etc", "accounts", "queue", "mail", "db"):
        for p in [top / part, *(top / part).rglob("*")]:
            st = p.lstat()
            out[str(p.relative_to(top))] = (st.st_mode, st.st_uid, hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "")
    return out


def run(words, fault=None, counts=None):
    """The command under strace."""
    log = pathlib.Path(words[-1] + ".strace") if counts is not None else "/dev/null"
    argv = ["strace", "-f", "-q", "-o", str(log), "-e", "trace=" + ",".join(CALLS)]
    r = subprocess.run([*argv, *(["-e", f"inject={fault}"] if fault else []), YUBIN, *words], capture_output=True, text=True, timeout=120, check=False)
    if counts is not None:
        counts.update(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.M))
        log.unlink()
    return r


def faults(counts, every=1):
    """Where each call is disturbed: first, last and between. Short, of every few one: the same each time, whatever the counts."""
    for call, n in sorted(counts.items()):
        for i, fault in enumerate(FAULTS):
            if call in CANNOT_FAIL and fault != FAULTS[0]:
                continue
            for j, when in enumerate(sorted({1 + (n - 1) * k // max(POINTS - 1, 1) for k in range(POINTS)})):
                if POINTS > 2 or (CALLS.index(call) + i + j) % every == 0:
                    yield f"{call}:{fault}:when={when}"


def judge(r, fault):
    """It ends by the signal, or with 1 and words; or it could do without that call."""
    if r.returncode in (-signal.SIGABRT, 128 + signal.SIGABRT) and fault.startswith("write:error") and not re.search(r"Assertion|\(\): ", r.stderr):
        return False	# libuv's, to a pipe of its own: such a write can't fail, and it gives up if it does
    if r.returncode < 0 or r.returncode == 137:
        assert "KILL" in fault or (r.returncode == -signal.SIGABRT and fault.startswith("write:"))   # libuv could not write to itself
        return False
    assert r.returncode in (0, 1), (fault, r)
    assert r.returncode == 0 or "yubin: " in r.stderr, (fault, r)
    return r.returncode == 0


def count_calls(words):
    counts = collections.Counter()
    r = run(words, counts=counts)
    assert r.returncode == 0, r.stderr
    return counts


@strace
def test_backup(saved, tmp_path):
    command = ["-C", str(saved.site.path), "store", "backup"]
    before, number = tree(saved.site.path), 0
    for number, fault in enumerate(faults(count_calls([*command, str(tmp_path / "count")]))):
        to = tmp_path / f"b{number}"
        done = judge(run([*command, str(to)], fault), fault)
        if not done and not to.exists() and number % 2:      # and once more
            done = judge(run([*command, str(to)], fault), fault)
        if not done:
            r = subprocess.run([YUBIN, *command, str(to)], capture_output=True, text=True, check=False)
            assert r.returncode == 0 or f"{to} is there already" in r.stderr, (fault, r)
            assert r.returncode == 1 or not [p for p in tmp_path.iterdir() if p.name.startswith(f"b{number}.")], fault
        told = saved.site.run("store", "verify", str(to), ok=False)
        assert told.returncode == 0, (fault, told.stdout)
        assert {p.relative_to(to) for p in to.rglob("*")} == {p.relative_to(saved.path) for p in saved.path.rglob("*")}, fault
    assert number > 20
    assert tree(saved.site.path) == before


@strace
def test_restore(saved, tmp_path):
    """Over a site that has something else: all of it is the old one, or all the new one, when the server may start."""
    old = Site(tmp_path / "old", accounts=("zoe",))
    was, want = tree(old.path), saved.reference()
    restore = ["store", "restore", str(saved.path)]
    shutil.copytree(old.path, tmp_path / "count", symlinks=True)
    chown_like(old.path, tmp_path / "count")
    counts = count_calls(["-C", str(tmp_path / "count"), *restore, "--to", str(tmp_path / "count")])
    refused = number = 0
    for number, fault in enumerate(faults(counts, 2)):
        top = tmp_path / f"r{number}"
        shutil.copytree(old.path, top, symlinks=True)
        chown_like(old.path, top)
        words = ["-C", str(top), *restore]
        done = judge(run(words, fault), fault)
        state = None if done else tree_or_none(top)
        if not done and state not in (was, want):
            r = subprocess.run([YUBIN, "-C", str(top), "start"], capture_output=True, text=True, check=False)
            assert r.returncode == 1 and "a restore broke off" in r.stderr, (fault, r)
            refused += 1
        if not done and state != want:
            r = subprocess.run([YUBIN, *words], capture_output=True, text=True, check=False)
            assert r.returncode == 0, (fault, r)
        assert tree(top) == want, fault
        assert not list(top.glob("*.restoring*")), fault
        for part in ("etc", "accounts", "mail"):
            assert {str(p.relative_to(top / f"{part}.before")) for p in (top / f"{part}.before").rglob("*")} == \
                {str(p.relative_to(old.path / part)) for p in (old.path / part).rglob("*")}, fault
        shutil.rmtree(top)
    assert number > 15 and refused > 1


def chown_like(a, b):
    for p in [a, *a.rglob("*")]:
        st = p.lstat()
        os.chown(b / p.relative_to(a), st.st_uid, st.st_gid, follow_symlinks=False)


def tree_or_none(top):
    try:
        return tree(top)
    except FileNotFoundError:
        return None


def bodies(top):
    return collections.Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in (top / "mail").rglob("cur/*"))


@strace
@pytest.mark.parametrize("known", ["", "alice"], ids=["new", "beside"])
def test_restore_account(saved, tmp_path, known):
    other = Site(tmp_path / "other", accounts=("zoe", *known.split()))
    other.start()
    for name in ("zoe", *known.split()):
        imap = other.imap(name)
        imap.append("INBOX", None, None, TEXT.format("here").encode())
        imap.logout()
    other.stop()
    had, boxes = bodies(other.path), len(list((other.path / "mail").rglob("cur")))
    want = had + bodies(saved.site.path)
    want_boxes = boxes + len(list((saved.site.path / "mail").rglob("cur")))
    restore = ["store", "restore", str(saved.path), "--account", ALICE]

    def fresh(name):
        subprocess.run(["cp", "-a", "--sparse=always", str(other.path), str(tmp_path / name)], check=True)
        return tmp_path / name
    counts = count_calls(["-C", str(fresh("count")), *restore, "--to", str(tmp_path / "count")])
    number = 0
    for number, fault in enumerate(faults(counts, 4)):
        top = fresh(f"r{number}")
        words = ["-C", str(top), *restore]
        if not judge(run(words, fault), fault):
            assert bodies(top) & had == had, fault
            if bodies(top) != want or (top / "mail/.restoring/plan").exists():     # else it was killed when all was done
                r = subprocess.run([YUBIN, *words], capture_output=True, text=True, check=False)
                assert r.returncode == 0 and not (top / "mail/.restoring").exists(), (fault, r)
        told = subprocess.run([YUBIN, "-C", str(top), "store", "check"], capture_output=True, text=True, check=False)
        assert told.stdout.endswith("no damage found.\n"), (fault, told)
        # Once: what was done and only its end was not is not done again.
        assert bodies(top) == want and len(list((top / "mail").rglob("cur"))) == want_boxes, fault
        assert (top / "accounts" / DOMAIN / "alice.account").exists()
        shutil.rmtree(top)
    assert number > 8


@pytest.fixture
def disk(tmp_path):
    at = tmp_path / "disk"
    at.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=755", "none", str(at)], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount here")
    yield at
    subprocess.run(["umount", "-l", str(at)], check=True)


def grow(disk):
    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("large") / "site")
    site.start()
    imap = site.imap()
    for i in range(30):
        imap.append("INBOX", None, None, TEXT.format(f"m{i}").encode() + b"x" * 200000 + b"\r\n")
    imap.logout()
    yield site
    site.stop()


def refused_full(site, *words):
    r = site.run(*words, ok=False)
    assert r.returncode == 1 and "No space left on device" in r.stderr and "goes on" in r.stderr, r
    return r


@root
def test_full_backup(large, disk):
    to = disk / "b"
    for _ in range(2):
        refused_full(large, "store", "backup", str(to))
        assert not to.exists()
    grow(disk)
    told = large.run("store", "backup", str(to)).stdout
    assert int(re.search(r"(\d+) of them from the earlier", told)[1]) > 5
    assert large.run("store", "verify", str(to)).returncode == 0
    assert sorted(p.name for p in disk.iterdir()) == ["b"]


@root
def test_full_restore(large, disk, tmp_path):
    large.run("store", "backup", str(tmp_path / "b"))
    words = ("store", "restore", str(tmp_path / "b"), "--to")
    large.run(*words, str(tmp_path / "want"))
    for _ in range(2):
        refused_full(large, *words, str(disk / "r"))
        assert not (disk / "r/mail").exists()
    grow(disk)
    large.run(*words, str(disk / "r"))
    assert tree(disk / "r") == tree(tmp_path / "want")


@root
def test_full_restore_account(large, disk, tmp_path):
    large.run("store", "backup", str(tmp_path / "b"))
    subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
    other = Site(disk / "site", accounts=("zoe",), settings={"storaged": ["MinFree 0"]})
    other.start()
    other.deliver("zoe")
    other.stop()
    used = shutil.disk_usage(disk).used
    subprocess.run(["mount", "-o", f"remount,size={(used >> 10) + 3000}k", str(disk)], check=True)
    words = ("store", "restore", str(tmp_path / "b"), "--account", ALICE)
    refused_full(other, *words)
    assert not (disk / "site/accounts" / DOMAIN / "alice.account").exists()
    grow(disk)
    assert other.run("store", "check").stdout.endswith("no damage found.\n")
    other.run(*words)
    assert other.run("store", "check").stdout.endswith("no damage found.\n")
    assert sum(bodies(disk / "site").values()) == 31


def deliver_for_ever(site, stop, promised):
    n = 0
    while not stop.is_set():
        with contextlib.suppress(Exception):    # a storaged that was killed: later again
            imap = site.imap()
            while not stop.is_set():
                n += 1
                if imap.append("INBOX", None, None, TEXT.format(f"n{n}").encode())[0] == "OK":
                    promised.append(f"n{n}")
        time.sleep(0.05)


def test_storaged_dies(tmp_path):
    """The index's owner is killed again and again while a backup is made: it has all that was promised before it began."""
    site = Site(tmp_path / "site")
    site.start()
    stop, promised = threading.Event(), []
    thread = threading.Thread(target=deliver_for_ever, args=(site, stop, promised))
    thread.start()
    try:
        for i in range(2):
            while len(promised) < 100 * (i + 1):
                time.sleep(0.05)
            before = set(promised)
            with subprocess.Popen([YUBIN, "-C", str(site.path), "store", "backup", str(tmp_path / f"b{i}")], stdout=subprocess.DEVNULL) as p:
                while p.poll() is None:
                    for pid in site.pids("storaged"):
                        os.kill(pid, 9)
                    time.sleep(0.1)
            assert p.returncode == 0
            assert site.run("store", "verify", str(tmp_path / f"b{i}")).returncode == 0
            texts = [f.read_bytes().decode() for f in (tmp_path / f"b{i}" / "mail").rglob("cur/*")]
            assert all(t.endswith("\r\n") and "hello" in t for t in texts)
            assert before <= {re.search("<(.*)@", t)[1] for t in texts}
    finally:
        stop.set()
        thread.join()
        site.stop()
    site.run("store", "restore", str(tmp_path / "b1"), "--to", str(tmp_path / "r"))
    site.run("store", "check")
    r = subprocess.run([YUBIN, "-C", str(tmp_path / "r"), "store", "rebuild"], capture_output=True, text=True, check=False)
    assert r.returncode == 0, r
    r = subprocess.run([YUBIN, "-C", str(tmp_path / "r"), "store", "check"], capture_output=True, text=True, check=False)
    assert r.stdout.endswith("no damage found.\n"), r.stdout


def harm(top):
    """Damage of several kinds, and none that costs a message."""
    home = top / "mail" / DOMAIN / "alice"
    messages = sorted(home.glob("*/cur/*"))
    os.truncate(messages[0], messages[0].stat().st_size - 2)
    messages[1].rename(messages[1].parent / "1699.V1.host:2,S")
    messages[2].chmod(0o644)
    (messages[3].parents[1] / "state").write_bytes(b"cut")
    (home / "dovecot.index").write_bytes(b"\0")
    subprocess.run(["cp", "-a", str(messages[4].parents[1]), str(home / "000000f0")], check=True)
    next((top / "queue").glob("*.envelope")).unlink()


def everything(top):
    """All messages by their bytes, those in .lost too."""
    return collections.Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in (top / "mail").rglob("*")
                               if p.is_file() and (p.parent.name == "cur" or p.name[0].isdigit()))


@strace
@pytest.mark.parametrize("word", ["repair", "rebuild"])
def test_repair(saved, tmp_path, word):
    """Nothing is lost by one that breaks off, and the next ends what it began."""
    hurt = tmp_path / "hurt"
    subprocess.run(["cp", "-a", "--sparse=always", str(saved.site.path), str(hurt)], check=True)
    if word == "repair":
        harm(hurt)
    had = everything(hurt)

    def fresh(name):
        subprocess.run(["cp", "-a", "--sparse=always", str(hurt), str(tmp_path / name)], check=True)
        return tmp_path / name
    log = tmp_path / "calls"
    subprocess.run(["strace", "-f", "-q", "-o", str(log), "-e", "trace=" + ",".join(CALLS), YUBIN, "-C", str(fresh("count")), "store", word],
                   capture_output=True, check=True)
    counts = collections.Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.M))
    number = 0
    for number, fault in enumerate(faults(counts, 3)):
        top = fresh(f"r{number}")
        words = ["-C", str(top), "store", word]
        judge(run(words, fault), fault)
        assert everything(top) & had == had, fault
        r = subprocess.run([YUBIN, *words], capture_output=True, text=True, check=False)
        assert r.returncode == 0, (fault, r)
        told = subprocess.run([YUBIN, "-C", str(top), "store", "check"], capture_output=True, text=True, check=False)
        assert told.stdout.endswith("no damage found.\n"), (fault, told)
        assert everything(top) == had, fault
        shutil.rmtree(top)
    assert number > 8
