#!/usr/bin/env python3
"""clock.py PRELOAD [JUMPS] [SEED] - the wall clock jumps, years back and forth, under load.

PRELOAD (clock.c) is loaded into every process of a site. What was acknowledged is there; nobody is thrown out, for deadlines do not
count by the wall clock; a mailbox that is made again after the clock went back never has an old UIDVALIDITY."""
import pathlib
import random
import re
import shutil
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from ledger import Ledger, dealt, judge, read_all, work  # noqa: E402
from yubin import Site  # noqa: E402

DAY = 86400
OFFSETS = (-25 * 365 * DAY, -365 * DAY, -DAY, -3600, -1, 0, 1, 3600, DAY, 365 * DAY, 20 * 365 * DAY)


class Clock:
    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, seconds):
        with open(self.path, "r+b" if self.path.exists() else "wb", buffering=0) as f:
            f.write(struct.pack("q", seconds))


def remake(imap, ledger, number):
    """A mailbox of the same name as the last time: what its UIDs stand for must be new."""
    faults = []
    for command in (lambda: imap.create("Again"), lambda: imap.append("Again", None, None, b"Subject: x\r\n\r\nx\r\n")):
        typ, data = command()
        if typ != "OK":
            faults.append(f"{data} at jump {number}")
    code = re.search(rb"APPENDUID (\d+) (\d+)", data[0])
    if code:
        ledger.seen(("Again", *code.groups()), f"again-{number}")
    imap.delete("Again")
    return faults


def one_more(ledger, seconds=60):
    """Waits until another message was taken, which has a line in the log."""
    had, end = len(ledger.promised), time.monotonic() + seconds
    while len(ledger.promised) == had:
        if time.monotonic() > end:
            return [f"no mail was taken in {seconds} seconds"]
        time.sleep(0.005)
    return []


def jumps(site, clock, ledger, count, rng):
    faults, idle = [], site.imap("bob")
    idle.select("INBOX")
    busy = site.imap("bob")
    for number, offset in enumerate(dealt(count, OFFSETS, rng)):
        clock.set(offset)
        time.sleep(rng.uniform(0.05, 0.3))
        faults += one_more(ledger) + remake(busy, ledger, number)
    if idle.noop()[0] != "OK":
        faults.append("the idle session ended")
    return faults


def main():
    numbers = [int(a) for a in sys.argv[2:]]
    count = numbers[0] if numbers else 30
    seed = numbers[1] if len(numbers) > 1 else int(time.time())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="yubin-clock-", dir="/var/tmp"))
    clock = Clock(folder / "offset")
    site = Site(folder / "site")
    site.environment = {"LD_PRELOAD": shutil.copy(sys.argv[1], folder / "clock.so")}
    site.start()
    pids = {d: site.pids(d) for d in ("storaged", "authd", "smtpd", "pop3d", "imapd", "deliverd")}
    ledger, stop = Ledger(), threading.Event()
    threads = work(site, ledger, stop, seed)
    try:
        faults = jumps(site, clock, ledger, count, random.Random(seed))
    finally:
        stop.set()
        for t in threads:
            t.join()
    faults += judge(ledger, read_all(site, "alice"), read_all(site, "bob"))
    faults += [f"{d} was restarted" for d, was in pids.items() if site.pids(d) != was]
    years = set(re.findall(r"^(\d{4})-", site.log(), re.M))
    if len(years) < 3:
        faults.append(f"the log knows only the years {sorted(years)}: the clock did not jump")
    site.stop()
    shutil.rmtree(folder)
    print(f"clock: {count} jumps, {len(ledger.promised)} messages acknowledged, {len(faults)} faults, seed {seed}")
    for f in faults[:20]:
        print("FAULT:", f)
    print(f"fault tests: {int(not faults)} passed, {int(bool(faults))} failed")
    return bool(faults)


sys.exit(main())
