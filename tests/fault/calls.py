#!/usr/bin/env python3
"""calls.py [-v] [--most N] [--seed N] [OPERATION...] - what was acknowledged is there, once, whichever system call of storaged fails or is its last.

Each operation (deliver, append, multiappend, replace, store, copy, move, expunge, quit) is done once to see which calls it makes; then again and again, and each
time another one of those calls ends storaged (SIGKILL before it is done) or fails with EIO, ENOSPC or EMFILE. strace puts the faults in, so this
needs root. After each, without a hand: what was answered with OK is there, what was answered with OK to its removal is gone, what was not
answered is there whole or not at all, nothing is there twice, no UID stands for two messages, and the next operation works.

--most N: of each operation's faults only so many, taken from all of them."""
import argparse
import imaplib
import pathlib
import poplib
import random
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from ledger import patiently, wait_traced  # noqa: E402
from yubin import DOMAIN, Site  # noqa: E402

NET = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)
# What changes files, or makes changes last. Those that a kernel or library does not have are passed over.
CALLS = ("openat", "write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync", "syncfs", "sync_file_range", "link",
         "linkat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "copy_file_range", "sendfile", "msync")
ERRORS = {"openat": ("EMFILE", "EIO"), "link": ("EIO", "ENOSPC"), "linkat": ("EIO", "ENOSPC"), "write": ("EIO", "ENOSPC"), "pwrite64": ("EIO", "ENOSPC"),
          "writev": ("EIO", "ENOSPC"), "fsync": ("EIO",), "fdatasync": ("EIO",), "mkdirat": ("EIO", "ENOSPC"), "renameat": ("EIO", "ENOSPC"),
          "rename": ("EIO", "ENOSPC"), "unlinkat": ("EIO",), "unlink": ("EIO",), "ftruncate": ("EIO",)}
TRIES = 4
BOXES = ("INBOX", "Archive", "Trash")


class Tracer:
    """strace at storaged, for as long as one operation takes."""

    def __init__(self, site, inject=None):
        self.log = pathlib.Path(site.path) / "strace.out"
        self.log.unlink(missing_ok=True)
        pid = site.pids("storaged")[0]
        argv = ["strace", "-f", "-q", "-o", str(self.log), "-e", "trace=" + ",".join("?" + c for c in CALLS), "-p", str(pid)]
        if inject:
            argv += ["-e", f"inject={inject}"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_traced(pid, self.process)

    def end(self):
        """The calls that were made, in order; and whether a fault was put in."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:   # it waits for a thread that died under it
            self.process.kill()
            self.process.wait()
        text = self.log.read_text()
        return re.findall(r"^\d+ +(\w+)\(", text, re.M), "(INJECTED)" in text or "+++ killed by SIGKILL" in text


class Ledger:
    def __init__(self):
        self.bodies = {}        # id -> bytes
        self.state = {}         # (id, box) -> "there", "gone", "maybe"
        self.uids = {}          # (box, uidvalidity, uid) -> id
        self.serial = 0
        self.group = []         # what the last operation was to change: all of it, or nothing

    def new(self):
        self.serial += 1
        ident = f"c{self.serial}"
        self.bodies[ident] = f"Subject: {ident}\r\nX-Ledger: {ident}\r\n\r\n{ident} {'x' * (self.serial * 97 % 3000)}\r\n".encode()
        return ident

    def set(self, ident, box, outcome, done, undone):
        self.state[ident, box] = done if outcome == "ok" else "maybe" if outcome == "lost" else undone

    def of(self, box):
        return [i for (i, b), s in self.state.items() if b == box and s == "there"]

    def check(self, site):
        """Holds the mailboxes against it; what was not known is known then."""
        imap = site.imap()
        faults = []
        for box in BOXES:
            typ, data = imap.select(box, readonly=True)
            assert typ == "OK", data
            validity = imap.response("UIDVALIDITY")[1][0]
            typ, data = imap.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
            assert typ == "OK", data
            seen = {}
            for item in data:
                if not isinstance(item, tuple):
                    continue
                uid = re.search(rb"UID (\d+)", item[0]).group(1)
                ident = re.search(rb"X-Ledger: (\w+)", item[1])
                if ident is None:
                    faults.append(f"{box} {uid}: torn, or nobody's: {item[1][:60]!r}")
                    continue
                ident = ident.group(1).decode()
                seen[ident] = seen.get(ident, 0) + 1
                if not item[1].endswith(self.bodies[ident]):
                    faults.append(f"{box} {uid} {ident}: other bytes")
                if self.uids.setdefault((box, validity, uid), ident) != ident:
                    faults.append(f"{box} UID {uid} was {self.uids[box, validity, uid]} and is {ident}")
            for (ident, b), state in list(self.state.items()):
                if b != box:
                    continue
                n = seen.pop(ident, 0)
                if n > 1 or (state == "there" and n == 0) or (state == "gone" and n > 0):
                    faults.append(f"{box} {ident}: {state}, and {n} are there")
                self.state[ident, box] = "there" if n else "gone"
            faults += [f"{box} {ident}: never put there" for ident in seen]
        imap.logout()
        if len({self.state[ident, box] == done for ident, box, done in self.group}) > 1:
            faults.append(f"done by halves: {[(i, b, self.state[i, b]) for i, b, _ in self.group]}")
        return faults


# --- operations: each is prepared, then done under strace -----------------------------------

def outcome_of(what):
    """ok; no: refused; lost: no answer, or one that leaves it open."""
    try:
        typ, data = what()
    except smtplib.SMTPResponseException as e:
        return "lost" if e.smtp_code in (421, 451) else "no"
    except NET:
        return "lost"
    words = b" ".join(d for d in data if isinstance(d, bytes))
    return "ok" if typ == "OK" else "lost" if b"UNAVAILABLE" in words else "no"


def deliver(site, ledger):
    ident = ledger.new()
    smtp = smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=20)
    smtp.helo("there.test")

    def send():
        smtp.mail("s@there.test")
        smtp.rcpt(f"alice@{DOMAIN}")
        code, words = smtp.data(ledger.bodies[ident])
        return ("OK", [words]) if code == 250 else ("NO", [b"UNAVAILABLE"])
    return send, [(ident, "INBOX", "there", "gone")]


def append(site, ledger):
    ident = ledger.new()
    imap = site.imap()
    return lambda: imap.append("INBOX", None, None, ledger.bodies[ident]), [(ident, "INBOX", "there", "gone")]


def literals(ledger, idents):
    return b"".join(b" {%d+}\r\n%s" % (len(ledger.bodies[i]), ledger.bodies[i]) for i in idents)


def said(imap, command):
    """A command as bytes, which imaplib has no word for."""
    def go():
        tag = imap._new_tag()
        imap.send(tag + b" " + command + b"\r\n")
        while True:
            line = imap.readline()
            if not line:
                raise EOFError("the connection ended")
            if line.startswith(tag + b" "):
                return line.split()[1].decode(), [line]
    return go


def multiappend(site, ledger):
    idents = [ledger.new() for _ in range(3)]
    return said(site.imap(), b"APPEND INBOX" + literals(ledger, idents)), [(i, "INBOX", "there", "gone") for i in idents]


def replace(site, ledger):
    imap, old, uid = chosen(site, ledger)
    new = ledger.new()
    return said(imap, b"UID REPLACE " + uid.encode() + b" INBOX" + literals(ledger, [new])), [(new, "INBOX", "there", "gone"), (old, "INBOX", "gone", "there")]


def chosen(site, ledger, readonly=False):
    """A session in INBOX, and one of its messages: id, UID."""
    while len(ledger.of("INBOX")) < 3:
        what, effects = deliver(site, ledger)
        assert what()[0] == "OK"
        ledger.set(*effects[0][:2], "ok", *effects[0][2:])
    imap = site.imap()
    imap.select("INBOX", readonly)
    _, data = imap.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-LEDGER)])")
    item = next(d for d in data if isinstance(d, tuple))
    return imap, re.search(rb"X-Ledger: (\w+)", item[1]).group(1).decode(), re.search(rb"UID (\d+)", item[0]).group(1).decode()


def store(site, ledger):
    imap, ident, uid = chosen(site, ledger)
    return lambda: imap.uid("STORE", uid, "+FLAGS", f"(\\Flagged kw{ledger.serial})"), [(ident, "INBOX", "there", "there")]


def copy(site, ledger):
    imap, ident, uid = chosen(site, ledger)
    before = ledger.state.get((ident, "Archive"), "gone")
    if before == "there":       # only one of each: another message
        what, effects = deliver(site, ledger)
        assert what()[0] == "OK"
        ledger.set(*effects[0][:2], "ok", *effects[0][2:])
        ident = effects[0][0]
        imap.noop()
        _, data = imap.uid("SEARCH", "HEADER", "X-Ledger", ident)
        uid = data[0].split()[-1].decode()
    return lambda: imap.uid("COPY", uid, "Archive"), [(ident, "Archive", "there", "gone"), (ident, "INBOX", "there", "there")]


def move(site, ledger):
    imap, ident, uid = chosen(site, ledger)
    return lambda: imap.uid("MOVE", uid, "Trash"), [(ident, "Trash", "there", "gone"), (ident, "INBOX", "gone", "there")]


def expunge(site, ledger):
    imap, ident, uid = chosen(site, ledger)
    assert imap.uid("STORE", uid, "+FLAGS", "(\\Deleted)")[0] == "OK"
    return lambda: imap.uid("EXPUNGE", uid), [(ident, "INBOX", "gone", "there")]


def quit_(site, ledger):
    imap, ident, uid = chosen(site, ledger, readonly=True)
    imap.logout()
    pop = site.pop()
    for n in range(1, len(pop.list()[1]) + 1):
        if f"X-Ledger: {ident}".encode() in pop.top(n, 0)[1]:
            pop.dele(n)
            break
    return lambda: ("OK", [pop.quit()]), [(ident, "INBOX", "gone", "there")]


OPERATIONS = {"deliver": deliver, "append": append, "multiappend": multiappend, "replace": replace, "store": store, "copy": copy, "move": move, "expunge": expunge, "quit": quit_}


def run(site, ledger, name, inject):
    what, effects = OPERATIONS[name](site, ledger)
    tracer = Tracer(site, inject)
    outcome = outcome_of(what)
    calls, hit = tracer.end()
    for ident, box, done, undone in effects:
        ledger.set(ident, box, outcome, done, undone)
    ledger.group = [(ident, box, done) for ident, box, done, undone in effects if done != undone]
    return outcome, calls, hit


def enter(site):
    imap = site.imap()
    if imap.select("INBOX", readonly=True)[0] != "OK" or not site.pids("storaged"):
        raise OSError("storaged is away")
    imap.logout()


def up(site):
    """It comes back by itself; after many deaths yubind waits longer, which is not what is tried here."""
    try:
        patiently(lambda: enter(site), 3)
    except NET:
        site.stop()
        site.start()
        patiently(lambda: enter(site))


def faults_of(calls):
    """Each call that was made, by name and number, and what may happen to it."""
    for name in sorted(set(calls)):
        for n in range(1, calls.count(name) + 1):
            for fault in ("signal=KILL", *(f"error={e}" for e in ERRORS.get(name, ()))):
                yield f"{name}:{fault}:when={n}"


def main():
    if shutil.which("strace") is None:
        sys.exit("calls.py: strace is not there (tools/packages)")
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", action="store_true")
    parser.add_argument("--most", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("names", nargs="*", choices=[[], *OPERATIONS])
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    told = []
    with tempfile.TemporaryDirectory(prefix="yubin-calls-") as folder:
        site, ledger = Site(folder + "/site"), Ledger()
        site.start()
        try:
            for name in asked.names or OPERATIONS:
                run(site, ledger, name, None)       # what is made once only
                outcome, calls, _ = run(site, ledger, name, None)
                assert outcome == "ok", (name, outcome)
                hits, answers = 0, {}
                every = list(faults_of(calls))
                for inject in rng.sample(every, min(asked.most, len(every))):
                    for _ in range(TRIES):	# strace counts calls by thread, and threads take turns
                        up(site)
                        outcome, _, hit = run(site, ledger, name, inject)
                        if hit:
                            break
                    hits += hit
                    if hit and asked.v:
                        print(f"  {name} {inject}: {outcome}")
                    answers[outcome] = answers.get(outcome, 0) + 1
                    up(site)
                    faults = ledger.check(site)
                    if faults:
                        told.append(f"{name} {inject} ({outcome}): " + "; ".join(faults))
                        print(told[-1])
                print(f"{name}: {len(calls)} calls ({', '.join(f'{c} {calls.count(c)}' for c in sorted(set(calls)))}), {hits} faults put in, answers {answers}")
        finally:
            site.stop()
    print((f"system calls: {len(told)} faults came through" if told else "system calls: nothing lost, nothing torn") + f", seed {asked.seed}")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
