#!/usr/bin/env python3
"""kill.py KILLS [SEED] - what was acknowledged is there, once, whatever is killed when.

Clients send by SMTP, append, flag and expunge by IMAP, and write what the server acknowledged into a ledger. Meanwhile
storaged, smtpd, imapd and yubind are killed (SIGKILL) at random moments. In the end every promise in the
ledger is held against the mailboxes: acknowledged and missing, or twice, is a failure; so is what nobody sent, a message whose
bytes differ, an expunged message that came back, a flag that was lost, or a UID that stands for two messages."""
import imaplib
import os
import pathlib
import random
import re
import signal
import smtplib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from yubin import DOMAIN, PASSWORD, Site  # noqa: E402

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
NET = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error)


class Ledger:
    """What was promised: by id, in each state that a message goes through."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}		# id -> body
        self.promised = set()	# acknowledged
        self.flagged = set()	# an OK stands for \\Flagged
        self.gone = set()	# an OK stands for the expunge
        self.maybe_gone = set()	# asked for, not answered
        self.uids = {}		# (mailbox, uidvalidity, uid) -> id
        self.faults = []

    def note(self, kind, ident):
        with self.lock:
            getattr(self, kind).add(ident)

    def seen(self, key, ident):
        with self.lock:
            old = self.uids.setdefault(key, ident)
            if old != ident:
                self.faults.append(f"{key} was {old} and is {ident}")


def body(ident, rng):
    return (f"Subject: ledger {ident}\r\nX-Ledger: {ident}\r\n\r\n" + f"{ident} line\r\n" * rng.randrange(1, 400)).encode()


def sender(site, ledger, stop, number):
    rng = random.Random(SEED + number)
    serial = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=30) as smtp:
                while not stop.is_set():
                    serial += 1
                    ident = f"s{number}-{serial}"
                    text = body(ident, rng)
                    with ledger.lock:
                        ledger.sent[ident] = text
                    to = [f"alice@{DOMAIN}"] if rng.random() < 0.7 else [f"alice@{DOMAIN}", f"bob@{DOMAIN}"]
                    smtp.sendmail("x@there.test", to, text)
                    ledger.note("promised", ident)
        except NET:
            time.sleep(0.02)


def appender(site, ledger, stop, number):
    rng = random.Random(SEED + number)
    serial = 0
    while not stop.is_set():
        try:
            imap = site.imap("alice")
            imap.select("INBOX")
            while not stop.is_set():
                serial += 1
                ident = f"a{number}-{serial}"
                text = body(ident, rng)
                with ledger.lock:
                    ledger.sent[ident] = text
                typ, data = imap.append("INBOX", None, None, text)
                if typ != "OK":
                    continue
                ledger.note("promised", ident)
                validity, uid = re.search(rb"APPENDUID (\d+) (\d+)", data[0]).groups()
                ledger.seen(("INBOX", validity, uid), ident)
                if rng.random() < 0.4:
                    if imap.uid("STORE", uid.decode(), "+FLAGS.SILENT", "(\\Flagged)")[0] == "OK":
                        ledger.note("flagged", ident)
                elif rng.random() < 0.4:
                    ledger.note("maybe_gone", ident)
                    if imap.uid("STORE", uid.decode(), "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK" and \
                            imap.uid("EXPUNGE", uid.decode())[0] == "OK":
                        ledger.note("gone", ident)
        except NET:
            time.sleep(0.02)


def killer(site, rng):
    kills = {}
    while sum(kills.values()) < KILLS:
        time.sleep(rng.uniform(0.05, 0.35))
        name = rng.choice(["storaged", "storaged", "smtpd", "imapd", "authd", "yubind"])
        pids = site.pids(name)
        if not pids:
            continue
        os.kill(rng.choice(pids), signal.SIGKILL)
        kills[name] = kills.get(name, 0) + 1
        if name == "yubind":
            for _ in range(100):
                if site.start(ok=False).returncode == 0:
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("yubin start failed after yubind was killed:\n" + site.log()[-2000:])
    return kills


def read_all(site, user):
    """id -> [(uid, flags, bytes)] of everything in INBOX."""
    for _ in range(50):
        try:
            imap = site.imap(user)
            break
        except NET:
            time.sleep(0.2)
    imap.select("INBOX", readonly=True)
    validity = imap.response("UIDVALIDITY")[1][0]
    found = {}
    _, data = imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    for item in data or []:
        if not isinstance(item, tuple):
            continue
        ident = re.search(rb"X-Ledger: (\S+)", item[1])
        uid = re.search(rb"UID (\d+)", item[0]).group(1)
        found.setdefault(ident.group(1).decode() if ident else "?", []).append((validity, uid, item[0], item[1]))
    imap.logout()
    return found


def judge(ledger, alice, bob):
    faults = ledger.faults
    for ident, copies in alice.items():
        if ident not in ledger.sent:
            faults.append(f"nobody sent {ident}")
        elif len(copies) > 1:
            faults.append(f"{ident} is there {len(copies)} times")
        elif not copies[0][3].endswith(ledger.sent[ident]):
            faults.append(f"{ident} has other bytes")
        if ident in ledger.gone:
            faults.append(f"{ident} was expunged and is there")
        for validity, uid, _, _ in copies:
            ledger.seen(("INBOX", validity, uid), ident)
    for ident in ledger.promised - ledger.maybe_gone:
        if ident not in alice:
            faults.append(f"{ident} was acknowledged and is missing")
    for ident in ledger.flagged:
        if ident in alice and b"\\Flagged" not in alice[ident][0][2]:
            faults.append(f"{ident} lost its flag")
    for ident, copies in bob.items():
        if len(copies) > 1:
            faults.append(f"bob has {ident} {len(copies)} times")
        if ident in ledger.sent and not copies[0][3].endswith(ledger.sent[ident]):
            faults.append(f"bob's {ident} has other bytes")
    return faults


def main():
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="yubin-fault-", dir="/var/tmp") as folder:
        site = Site(folder + "/site")
        site.start()
        ledger, stop = Ledger(), threading.Event()
        threads = [threading.Thread(target=sender, args=(site, ledger, stop, n)) for n in range(3)]
        threads += [threading.Thread(target=appender, args=(site, ledger, stop, n)) for n in range(10, 12)]
        for t in threads:
            t.start()
        try:
            kills = killer(site, rng)
        finally:
            stop.set()
            for t in threads:
                t.join()
        before = read_all(site, "alice")
        faults = judge(ledger, before, read_all(site, "bob"))
        # The index goes too: everything comes back from the folders alone.
        site.stop()
        import shutil
        shutil.rmtree(site.path / "db")
        site.start()
        after = read_all(site, "alice")
        if {k: [c[:2] for c in v] for k, v in before.items()} != {k: [c[:2] for c in v] for k, v in after.items()}:
            faults.append("after db/ was deleted, UIDs or messages differ")
        site.stop()
        print(f"kill -9: {sum(kills.values())} kills {kills}, {len(ledger.promised)} messages acknowledged, "
              f"{len(ledger.flagged)} flagged, {len(ledger.gone)} expunged, seed {SEED}")
        for f in faults[:20]:
            print("FAULT:", f)
        print(f"fault tests: {0 if faults else 1} passed, {1 if faults else 0} failed")
        if faults:
            shutil.copy(site.path / "log/yubin.log", "/var/tmp/yubin-fault.log")
            print("the log: /var/tmp/yubin-fault.log")
        return bool(faults)


sys.exit(main())
