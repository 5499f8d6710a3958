#!/usr/bin/env python3
"""send.py KILLS [SEED] - mail that leaves: what was accepted arrives, or its sender is told, whatever is killed when.

Users send to another server (far.py) while deliverd, storaged, smtpd, yubind and that server are killed (SIGKILL) at random
moments. In the end each message that was acknowledged has arrived or its sender has one report; between the two arrivals of a message
that arrived twice something was killed: the cut fell between the other server's 250 and our commit. What is sent when all is quiet
again arrives once."""
import email
import os
import pathlib
import random
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from ledger import dealt, patiently, start_again  # noqa: E402
from yubin import DOMAIN, PASSWORD, Site, free_ports  # noqa: E402

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 25
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
NET = (OSError, EOFError, smtplib.SMTPException)
BEFORE = 3.0	# who loses yubind or storaged goes on for so long, on a loaded machine, with what it has begun
KINDS = ("x", "x", "x", "later", "refuse")
VICTIMS = ("deliverd", "deliverd", "storaged", "storaged", "far", "smtpd", "yubind")
QUIET = 40	# messages that are sent when nothing is killed any more


class Far:
    def __init__(self, folder):
        self.port, = free_ports(1)
        self.ledger = pathlib.Path(folder) / "far.ledger"
        self.ledger.touch()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, str(HERE / "far.py"), str(self.port), str(self.ledger)],
                                        stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def took(self):
        """(ident, recipient) -> [times]"""
        out = {}
        for line in self.ledger.read_text().splitlines():
            ident, who, when, _ = line.split()
            out.setdefault((ident, who), []).append(float(when))
        return out


def sender(site, promised, lock, stop, number):
    rng = random.Random(SEED + number)
    serial = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP_SSL("localhost", site.port("submissions"), timeout=30, context=site.tls) as smtp:
                smtp.login(f"alice@{DOMAIN}", PASSWORD)
                while not stop.is_set():
                    serial += 1
                    ident = f"m{number}-{serial}"
                    to = [f"{kind}{ident}-{i}@d{rng.randrange(4)}.test" for i, kind in enumerate(rng.choices(KINDS, k=rng.choice((1, 1, 1, 3))))]
                    if rng.random() < 0.2:
                        to.append(f"bob@{DOMAIN}")
                    text = f"From: alice@{DOMAIN}\r\nSubject: {ident}\r\nX-Ledger: {ident}\r\n\r\n" + f"{ident}\r\n" * rng.randrange(1, 300)
                    refused = smtp.sendmail(f"alice@{DOMAIN}", to, text)	# some of them, while a daemon is away
                    with lock:
                        promised[ident] = [who for who in to if who not in refused]
                    time.sleep(rng.uniform(0, 0.02))
        except NET:
            time.sleep(0.05)


def killer(site, far, rng):
    kills, times = {}, []
    for name in dealt(KILLS, VICTIMS, rng):
        time.sleep(rng.uniform(0.3, 1.5))
        while name != "far" and not (pids := site.pids(name)):
            time.sleep(0.05)
        times.append(time.time())
        kills[name] = kills.get(name, 0) + 1
        if name == "far":
            far.kill()
            time.sleep(rng.uniform(0, 0.5))
            far.start()
            continue
        os.kill(rng.choice(pids), signal.SIGKILL)
        if name == "yubind":
            start_again(site)
    return kills, times


def waiting(site):
    r = site.run("queue", "list", "--json", ok=False)
    return r.stdout.count('"id"') if r.returncode == 0 else -1


def drain(site, seconds=180):
    """How many entries wait when none should any more."""
    end = time.monotonic() + seconds
    while (left := waiting(site)) != 0 and time.monotonic() < end:
        site.run("queue", "flush", "--all", ok=False)
        time.sleep(0.3)
    return left


def quiet(site, promised, last):
    """Mail that nothing disturbs: what the last kill cut off is over."""
    time.sleep(max(0.0, last + BEFORE - time.time()))
    with patiently(site.submit) as smtp:
        for number in range(QUIET):
            ident, who = f"quiet-{number}", f"xquiet-{number}@d{number % 4}.test"
            smtp.sendmail(f"alice@{DOMAIN}", [who], f"From: alice@{DOMAIN}\r\nSubject: {ident}\r\nX-Ledger: {ident}\r\n\r\n{ident}\r\n")
            promised[ident] = [who]


def reports(site):
    """recipient -> how many reports name it as failed."""
    out = {}
    imap = site.imap("alice")
    imap.select("INBOX", readonly=True)
    _, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
    for item in data or []:
        if not isinstance(item, tuple):
            continue
        message = email.message_from_bytes(item[1])
        if message.get_content_type() != "multipart/report":
            continue
        for part in message.walk():
            if part.get_content_type() == "message/delivery-status":
                for who in re.findall(r"Final-Recipient: rfc822; ?(\S+)", str(part)):
                    out[who] = out.get(who, 0) + 1
    imap.logout()
    return out


def judge(promised, took, told, times):
    faults = []
    for ident, to in promised.items():
        for who in to:
            if who.endswith(DOMAIN):
                continue
            if who.startswith("refuse"):
                if told.get(who, 0) != 1:
                    faults.append(f"{ident} to {who}: {told.get(who, 0)} reports")
            elif (ident, who) not in took:
                faults.append(f"{ident} to {who} was accepted and did not arrive")
            elif told.get(who, 0):
                faults.append(f"{ident} to {who} arrived, and its sender was told that it did not")
    for (ident, who), when in took.items():
        for first, again in zip(when, when[1:]):
            if not any(first - BEFORE <= t <= again for t in times):
                faults.append(f"{ident} to {who} arrived at {first:.3f} and {again:.3f}, and nothing was killed between")
            if ident.startswith("quiet-"):
                faults.append(f"{ident} to {who} arrived {len(when)} times, and nothing was killed at all")
    return faults


def main():
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="yubin-fault-", dir="/var/tmp") as folder:
        far = Far(folder)
        site = Site(folder + "/site")
        site.set("deliverd", [f"Route * 127.0.0.1:{far.port}", "RetryTimes 1s", "ConnectTime 5s"])
        site.set("authd", [f"{what}Per{time_} 0" for what in ("Messages", "Recipients") for time_ in ("Hour", "Day")])
        site.start()
        promised, lock, stop = {}, threading.Lock(), threading.Event()
        threads = [threading.Thread(target=sender, args=(site, promised, lock, stop, n)) for n in range(3)]
        for t in threads:
            t.start()
        try:
            kills, times = killer(site, far, rng)
        finally:
            stop.set()
            for t in threads:
                t.join()
        left = drain(site)
        quiet(site, promised, times[-1])
        left = left or drain(site)
        took = far.took()
        faults = judge(promised, took, patiently(lambda: reports(site)), times)
        if left != 0:
            faults.append(f"{left} entries wait and should not")
        site.stop()
        far.kill()
        twice = sum(len(w) - 1 for w in took.values())
        print(f"kill -9 while mail leaves: {sum(kills.values())} kills {kills}, {len(promised)} messages acknowledged, "
              f"{len(took)} recipients reached, {twice} of them again after a cut, seed {SEED}")
        for f in faults[:20]:
            print("FAULT:", f)
        print(f"fault tests: {0 if faults else 1} passed, {1 if faults else 0} failed")
        if faults:
            shutil.copy(site.path / "log/yubin.log", "/var/tmp/yubin-fault-send.log")
            print("the log: /var/tmp/yubin-fault-send.log")
        return bool(faults)


sys.exit(main())
