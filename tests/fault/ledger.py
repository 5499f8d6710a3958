"""What clients were promised, and whether it is so: for the tests that break the server."""
import contextlib
import imaplib
import pathlib
import random
import re
import smtplib
import threading
import time

from yubin import DOMAIN

NET = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error)


class Ledger:
    """What was promised: by id, in each state that a message goes through."""

    def __init__(self):
        self.lock = threading.Lock()
        self.round = 0		# part of each id: clients may begin anew
        self.sent = {}		# id -> body
        self.promised = set()	# acknowledged
        self.flagged = set()	# an OK stands for \\Flagged
        self.gone = set()	# an OK stands for the expunge
        self.moved = set()	# an OK stands for its place in Archive
        self.copied = set()	# the same, and in INBOX
        self.maybe_gone, self.maybe_moved, self.maybe_copied = set(), set(), set()	# asked for, perhaps not answered
        self.uids = {}		# (mailbox, uidvalidity, uid) -> id
        self.faults = []

    def note(self, kind, ident):
        with self.lock:
            getattr(self, kind).add(ident)

    def copy(self):
        """What is promised at this moment."""
        return {kind: getattr(self, kind).copy() for kind in ("promised", "flagged", "gone", "moved", "copied", "uids")}

    def go_back(self, then):
        """The server comes back with its disk of that moment: what was promised later never was. What was asked for may have begun."""
        for kind, value in then.items():
            setattr(self, kind, value)

    def seen(self, key, ident):
        with self.lock:
            old = self.uids.setdefault(key, ident)
            if old != ident:
                self.faults.append(f"{key} was {old} and is {ident}")


def body(ident, rng):
    """A few kB mostly; one in five is as large as small ones get (48 kB), or larger."""
    lines = rng.randrange(1, 400) * rng.choice((1, 1, 1, 1, 1, 1, 1, 1, 8, 16))
    return (f"Subject: ledger {ident}\r\nX-Ledger: {ident}\r\n\r\n" + f"{ident} line\r\n" * lines).encode()


def sender(site, ledger, stop, number, seed):
    rng = random.Random(seed + number)
    serial = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=30) as smtp:
                while not stop.is_set():
                    serial += 1
                    ident = f"s{ledger.round}.{number}-{serial}"
                    text = body(ident, rng)
                    with ledger.lock:
                        ledger.sent[ident] = text
                    to = [f"alice@{DOMAIN}"] if rng.random() < 0.7 else [f"alice@{DOMAIN}", f"bob@{DOMAIN}"]
                    refused = smtp.sendmail("x@there.test", to, text)	# some of them, while a daemon is away
                    if to[0] not in refused:
                        ledger.note("promised", ident)
        except NET:
            time.sleep(0.02)


def change(imap, ledger, ident, uid, rng):
    """Something happens to a message that has just come."""
    what = rng.choice(("nothing", "nothing", "flag", "flag", "flag", "flag", "expunge", "expunge", "move", "copy"))
    if what == "flag" and imap.uid("STORE", uid, "+FLAGS.SILENT", "(\\Flagged)")[0] == "OK":
        ledger.note("flagged", ident)
    if what == "expunge":
        ledger.note("maybe_gone", ident)
        if imap.uid("STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK" and imap.uid("EXPUNGE", uid)[0] == "OK":
            ledger.note("gone", ident)
    if what == "move":
        ledger.note("maybe_moved", ident)
        if imap.uid("MOVE", uid, "Archive")[0] == "OK":
            ledger.note("moved", ident)
    if what == "copy":
        ledger.note("maybe_copied", ident)
        if imap.uid("COPY", uid, "Archive")[0] == "OK":
            ledger.note("copied", ident)


def appender(site, ledger, stop, number, seed):
    rng = random.Random(seed + number)
    serial = 0
    while not stop.is_set():
        try:
            imap = site.imap("alice")
            imap.select("INBOX")
            while not stop.is_set():
                serial += 1
                ident = f"a{ledger.round}.{number}-{serial}"
                text = body(ident, rng)
                with ledger.lock:
                    ledger.sent[ident] = text
                typ, data = imap.append("INBOX", None, None, text)
                if typ != "OK":
                    continue
                ledger.note("promised", ident)
                validity, uid = re.search(rb"APPENDUID (\d+) (\d+)", data[0]).groups()
                ledger.seen(("INBOX", validity, uid), ident)
                change(imap, ledger, ident, uid.decode(), rng)
        except NET:
            time.sleep(0.02)


def dealt(count, cards, rng):
    """As a pack of cards is dealt: each comes before any comes again, so that a short run too meets almost every one."""
    out = []
    while len(out) < count:
        out += rng.sample(cards, len(cards))
    return out[:count]


def patiently(what, seconds=120):
    """What it gives, once the server is back: a daemon that has died often comes back after a while only."""
    end = time.monotonic() + seconds
    while True:
        try:
            return what()
        except NET:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def start_again(site, seconds=60):
    """After yubind was killed; what it left behind may still hold the ports for a moment."""
    end = time.monotonic() + seconds
    while site.start(ok=False).returncode != 0:
        if time.monotonic() > end:
            raise AssertionError("yubin start failed after yubind was killed:\n" + site.log()[-2000:])
        time.sleep(0.05)


def wait_traced(pid, tracer, seconds=60):
    """Until strace has every thread of the process: they are its when the kernel says so."""
    end = time.monotonic() + seconds
    while tracer.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError):	# a thread has just ended
            if all(f"TracerPid:\t{tracer.pid}\n" in (task / "status").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()):
                return
        time.sleep(0.005)
    raise SystemExit("strace can't attach")


def read_all(site, user):
    """id -> [(uidvalidity, uid, flags, bytes, mailbox)] of everything in INBOX and Archive."""
    try:
        return patiently(lambda: read_once(site, user, fetch_all), 20)
    except NET:	# it is not away: some of it can't be read
        return patiently(lambda: read_once(site, user, fetch_each))


ITEMS = "(FLAGS BODY.PEEK[])"


def fetch_all(imap):
    typ, data = imap.uid("FETCH", "1:*", ITEMS)
    if typ != "OK":
        raise imaplib.IMAP4.error(data)
    return data or []


def fetch_each(imap):
    """Without those that can't be read: they are missing."""
    typ, data = imap.uid("SEARCH", "ALL")
    if typ != "OK":
        raise imaplib.IMAP4.error(data)
    found = []
    for uid in data[0].split():
        typ, data = imap.uid("FETCH", uid.decode(), ITEMS)
        found += data if typ == "OK" else []
    return found


def read_once(site, user, fetch):
    imap = site.imap(user)
    found = {}
    for box in ("INBOX", "Archive"):
        typ, data = imap.select(box, readonly=True)
        if typ != "OK":
            raise imaplib.IMAP4.error(data)
        validity = imap.response("UIDVALIDITY")[1][0]
        for item in fetch(imap):
            if not isinstance(item, tuple):
                continue
            ident = re.search(rb"X-Ledger: (\S+)", item[1])
            uid = re.search(rb"UID (\d+)", item[0]).group(1)
            found.setdefault(ident.group(1).decode() if ident else "?", []).append((validity, uid, item[0], item[1], box))
    imap.logout()
    return found


def judge_places(ledger, ident, copies):
    """Where a message is: once in INBOX, or once in Archive if it was moved, or in both if it was copied."""
    boxes = sorted(copy[4] for copy in copies)
    if len(boxes) != len(set(boxes)) or (len(boxes) > 1 and ident not in ledger.maybe_copied):
        return f"{ident} is there {len(boxes)} times: {boxes}"
    if ident in ledger.moved and boxes != ["Archive"]:
        return f"{ident} was moved and is in {boxes}"
    if ident in ledger.copied and "Archive" not in boxes:
        return f"{ident} was copied and is in {boxes}"
    if "INBOX" not in boxes and ident not in ledger.maybe_moved:
        return f"{ident} is not in INBOX but in {boxes}"
    return None


def judge_bytes(ledger, ident, copies):
    return [f"{ident} has other bytes in {copy[4]}" for copy in copies if not copy[3].endswith(ledger.sent[ident])]


def judge(ledger, alice, bob):
    faults = ledger.faults
    for ident, copies in alice.items():
        if ident not in ledger.sent:
            faults.append(f"nobody sent {ident}")
            continue
        place = judge_places(ledger, ident, copies)
        if place:
            faults.append(place)
        faults += judge_bytes(ledger, ident, copies)
        if ident in ledger.gone:
            faults.append(f"{ident} was expunged and is there")
        for validity, uid, _, _, box in copies:
            ledger.seen((box, validity, uid), ident)
    for ident in ledger.promised - ledger.maybe_gone:
        if ident not in alice:
            faults.append(f"{ident} was acknowledged and is missing")
    for ident in ledger.flagged:
        if ident in alice and b"\\Flagged" not in alice[ident][0][2]:
            faults.append(f"{ident} lost its flag")
    for ident, copies in bob.items():
        if len(copies) > 1:
            faults.append(f"bob has {ident} {len(copies)} times")
        if ident in ledger.sent:
            faults += judge_bytes(ledger, ident, copies)
    return faults


def work(site, ledger, stop, seed):
    """Clients that send, append, flag, expunge, move and copy until stop; join them then."""
    threads = [threading.Thread(target=sender, args=(site, ledger, stop, n, seed)) for n in range(3)]
    threads += [threading.Thread(target=appender, args=(site, ledger, stop, n, seed)) for n in range(10, 12)]
    for t in threads:
        t.start()
    return threads
