"""Damage to files of ours: the configuration (said by file and line, nothing read for ever), and the store under a running server."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import time

import crowd
from world import YUBIN

SECRET = "what stands in a file that is no mail"


# --- the configuration ---------------------------------------------------------------------
def add(text):
    """Behind the last line."""
    return lambda f: f.write_bytes(f.read_bytes() + (text if isinstance(text, bytes) else text.encode()) + b"\n")


def instead(make):
    def change(f):
        f.unlink()
        make(f)
    return change


LINES = [("an unknown key", "NoSuchKey 1"), ("no value", "MaxConnections"), ("two values", "MaxConnections 1 2"), ("a negative number", "MaxConnections -1"),
         ("2^64", "MaxConnections 18446744073709551616"), ("400 digits", "MaxConnections " + "9" * 400), ("a word for a number", "MaxConnections many"), ("hex without digits", "MaxConnections 0x"),
         ("an unknown unit", "LoginTime 5y"), ("a time that overflows", "LoginTime 99999999999999999999d"), ("a size that overflows", "LineLimit 18014398509481984k"), ("yes and no", "EnableTLS perhaps"),
         ("an open quote", 'CipherList "ALL'), ("a NUL", b"LoginTime 5\0s"), ("an ESC", "LoginTime \x1b[2J"), ("a lone CR", b"LoginTime 5s\rEnableTLS no"), ("broken UTF-8", b"LoginTime \xff\xfe"),
         ("a key of 10,000", "x" * 10000 + " 1"), ("a value of 100 kB", "LoginTime " + "5" * 100000), ("an address that is none", "Listen 999.1.1.1:25 explicit"), ("a port that is none", "Listen 127.0.0.1:99999 explicit"),
         ("an unclosed IPv6 address", "Listen [::1:25 explicit"), ("an unknown mode", "Listen 127.0.0.1:2599 maybe"), ("a network of 33 bits", "ProxyNetworks 10.0.0.0/33"), ("a cipher list of nothing", "CipherList NOTHING"),
         ("no ciphers at all", "CipherList aNULL"), ("a level of 9", "SecureLevel 9"), ("a mask of 64", "SecureLayOption 64"), ("a file that is not there", "ClientCA /nowhere/ca.pem"), ("a file with ..", "ClientCA ../../../../etc/passwd")]
FORMS = [("junk", instead(lambda f: f.write_bytes(os.urandom(100000)))), ("NULs", instead(lambda f: f.write_bytes(bytes(100000)))), ("a folder", instead(lambda f: f.mkdir())), ("a symlink to itself", instead(lambda f: f.symlink_to(f))),
         ("a FIFO", instead(lambda f: os.mkfifo(f))), ("/dev/zero", instead(lambda f: f.symlink_to("/dev/zero"))), ("100,000 unknown keys", add("NoSuchKey 1\n" * 100000)), ("3 GB of nothing", lambda f: os.truncate(f, 3 << 30))]


def config_case(kept, name, what, change):
    """A copy of the site with that done to etc/NAME. What `yubin config check` says must name the file, and soon."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as top:
        site = pathlib.Path(top) / "site"
        shutil.copytree(kept, site, symlinks=True)
        change(site / "etc" / name)
        try:
            r = subprocess.run([YUBIN, "-C", str(site), "config", "check"], capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            return f"{name}: {what}: config check does not end"
        finally:
            if (site / "etc" / name).is_fifo():
                (site / "etc" / name).unlink()
    text = (r.stdout + r.stderr).decode(errors="replace")
    if r.returncode != 1:
        return f"{name}: {what}: config check ends with {r.returncode}: {text[:300]}"
    if not re.search(re.escape(name) + r"(:| line )\d+" if what in dict(LINES) else re.escape(name), text):
        return f"{name}: {what}: config check does not say where: {text[:300]}"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        return f"{name}: {what}: config check prints control bytes: {text[:300]!r}"
    return None


def config(world):
    kept = pathlib.Path(tempfile.mkdtemp(dir=world.path.parent)) / "kept"
    kept.mkdir()
    for part in ("etc", "accounts"):
        shutil.copytree(world.path / part, kept / part)
    names = ["yubin.conf", "smtpd.conf", "pop3d.conf", "imapd.conf", "authd.conf", "storaged.conf", "deliverd.conf"]
    cases = [("smtpd.conf", what, add(text)) for what, text in LINES] + [(n, what, change) for n in names for what, change in FORMS]
    cases += [(f"tls/{n}", what, change) for n in ("server.pem", "server.key") for what, change in FORMS if what != "100,000 unknown keys"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        faults = [f for f in pool.map(lambda c: config_case(kept, *c), cases) if f]
    return len(cases), [f"damage: {f}" for f in faults]


# --- the store under a running server --------------------------------------------------------
def swap(make):
    """The file goes, something else comes."""
    def change(path, secret):
        path.unlink()
        make(path, secret)
    return change


def own_folder(path):
    """The store's own: only who may write to a folder moves it, and repair runs as the store's user."""
    path.mkdir(0o700)
    os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)


MESSAGE = [
    ("gone", lambda p, s: p.unlink()), ("empty", lambda p, s: os.truncate(p, 0)), ("shorter", lambda p, s: os.truncate(p, 10)), ("longer", lambda p, s: p.open("ab").write(b"x" * 100000)),
    ("junk", lambda p, s: p.write_bytes(os.urandom(5000))), ("3 GB of nothing", lambda p, s: os.truncate(p, 3 << 30)), ("a symlink to a secret", swap(lambda p, s: p.symlink_to(s))), ("a symlink to itself", swap(lambda p, s: p.symlink_to(p))),
    ("a symlink to nothing", swap(lambda p, s: p.symlink_to("/nowhere"))), ("a hard link to a secret", swap(lambda p, s: os.link(s, p))), ("a folder", swap(lambda p, s: own_folder(p))), ("a FIFO", swap(lambda p, s: os.mkfifo(p))),
    ("a device", swap(lambda p, s: os.mknod(p, 0o600 | stat.S_IFCHR, os.makedev(1, 5)))), ("not to be read", lambda p, s: p.chmod(0)),
]
STATE = [(what, change) for what, change in MESSAGE if what not in ("a hard link to a secret",)]
FOLDER = [
    ("a name with a newline", lambda d, s: (d / "cur" / "1\n1999-01-01 forged").write_bytes(b"x")), ("a name with ESC", lambda d, s: (d / "cur" / "\x1b[2J").write_bytes(b"x")), ("a name of 255", lambda d, s: (d / "cur" / ("x" * 255)).write_bytes(b"x")),
    ("a name with a number of 400 digits", lambda d, s: (d / "cur" / ("9" * 240 + ".x")).write_bytes(b"x")), ("UID 0", lambda d, s: (d / "cur" / "0.00000000000000000000000000000000").write_bytes(b"x")),
    ("2,000 strange files", lambda d, s: [(d / "cur" / f"strange{i}").write_bytes(b"") for i in range(2000)]), ("cur is a symlink", lambda d, s: ((d / "cur").rename(d / "old"), (d / "cur").symlink_to("/etc"))),
    ("cur is a file", lambda d, s: ((d / "cur").rename(d / "old"), (d / "cur").write_bytes(b""))), ("cur is gone", lambda d, s: shutil.rmtree(d / "cur")), ("the folder is gone", lambda d, s: shutil.rmtree(d)),
    ("the folder is a symlink", lambda d, s: (d.rename(d.with_name("old")), d.symlink_to("/etc"))),
]


def folder_of(world, user):
    home = world.path / "mail/here.test" / user
    return next(f for f in sorted(home.glob("0*")) if re.search(r"(?m)^name INBOX$", (f / "state").read_text(errors="replace")))


def enter(world, user):
    """Does an IMAP client get in, and out again?"""
    with world.secure("imaps", timeout=60) as c:
        c.send(f't LOGIN {user}@here.test "correct horse"\r\nt SELECT INBOX\r\nt LOGOUT\r\n')
        return b"t OK LOGOUT" in c.rest()


def look(world, user):
    """All that an IMAP and a POP3 client get to see of it."""
    seen = b""
    with world.secure("imaps", timeout=60) as c:
        c.send(f't LOGIN {user}@here.test "correct horse"\r\nt SELECT INBOX\r\nt FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])\r\nt COPY 1:* Trash\r\nt STORE 1 +FLAGS (\\Seen)\r\nt SEARCH TEXT hello\r\nt LOGOUT\r\n')
        seen += c.rest()
    with world.secure("pop3s", timeout=60) as c:
        c.send(f"USER {user}@here.test\r\nPASS correct horse\r\nLIST\r\nRETR 1\r\nRETR 2\r\nQUIT\r\n")
        seen += c.rest()
    return seen


def store_case(world, user, what, change, secret):
    """One account, its messages, one damage; the server runs on. Gives faults."""
    for i in range(3):
        world.deliver(user, f"Subject: {i}\r\n\r\nhello {i}\r\n")
    folder = folder_of(world, user)
    kind, name = what.split(": ", 1)
    target = {"message": lambda: next(iter(sorted((folder / "cur").iterdir()))), "state": lambda: folder / "state", "folder": lambda: folder}[kind]()
    change(target, secret)
    began = time.monotonic()
    seen = look(world, user)
    world.deliver(user, "Subject: behind it\r\n\r\nx\r\n") if kind == "message" else None
    faults = []
    if SECRET.encode() in seen or b"root:" in seen:
        faults.append(f"damage: {what}: the file that it points to was served")
    if b"t OK LOGOUT" not in seen:
        faults.append(f"damage: {what}: the IMAP session did not go on: {seen[-300:]!r}")
    if time.monotonic() - began > 30:
        faults.append(f"damage: {what}: looking took {time.monotonic() - began:.0f} s")
    return faults


def store(world):
    secret = world.path.parent / "secret"
    secret.write_text(f"Subject: secret\r\n\r\n{SECRET}\r\n")
    pids, faults, count = world.census(), [], 0
    cases = [(f"message: {w}", c) for w, c in MESSAGE] + [(f"state: {w}", c) for w, c in STATE] + [(f"folder: {w}", c) for w, c in FOLDER]
    for i, (what, change) in enumerate(cases):
        user = f"victim{i}"
        world.account(user)
        try:
            faults += store_case(world, user, what, change, secret)
        except Exception as e:      # noqa: BLE001: what smtplib, ssl and OSError have in common
            faults.append(f"damage: {what}: {type(e).__name__}: {e}")
        count += 1
        if world.census() != pids:
            faults.append(f"damage: {what}: processes were {pids}, are {world.census()}")
            pids = world.census()
    return count, faults + after(world, len(cases))


def after(world, accounts):
    """With all of it at once: check tells, the server stops and starts, repair mends, an honest client is served."""
    faults = []
    for args in (("store", "check"), ("store", "check", "--json")):
        r = world.run(*args, ok=False, timeout=120)
        if r.returncode not in (0, 1) or re.search(r"[\x00-\x08\x0b-\x1f\x7f]", r.stdout + r.stderr):
            faults.append(f"damage: {' '.join(args)} ends with {r.returncode}, or prints control bytes: {(r.stdout + r.stderr)[:300]!r}")
    crowd.serve(world, 1)
    world.stop()
    if world.start(ok=False).returncode != 0:
        return [*faults, "damage: the server does not start again"]
    crowd.serve(world, 1)
    world.stop()
    r = world.run("store", "repair", ok=False, timeout=120)
    if r.returncode not in (0, 1):
        faults.append(f"damage: store repair ends with {r.returncode}: {(r.stdout + r.stderr)[-300:]}")
    r = world.run("store", "check", ok=False, timeout=120)
    if r.returncode != 0:
        faults.append(f"damage: store check ends with {r.returncode} after a repair: {r.stdout[-600:]}")
    world.start()
    crowd.serve(world, 1)
    for i in range(accounts):
        if not enter(world, f"victim{i}"):
            faults.append(f"damage: victim{i} is not served after a repair")
    return faults


def run(world, long):
    crowd.serve(world, 1)
    count, faults = config(world)
    more, found = store(world) if long else (0, [])
    faults += found
    print("".join(f + "\n" for f in faults), end="")
    return f"{count} of the configuration, {more} of the store, {len(faults)} faults", len(faults)
