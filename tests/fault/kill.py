#!/usr/bin/env python3
"""kill.py KILLS [SEED] - what was acknowledged is there, once, whatever is killed when.

Clients send by SMTP, append, flag and expunge by IMAP, and write what the server acknowledged into a ledger. Meanwhile
storaged, smtpd, imapd and yubind are killed (SIGKILL) at random moments. In the end every promise in the
ledger is held against the mailboxes: acknowledged and missing, or twice, is a failure; so is what nobody sent, a message whose
bytes differ, an expunged message that came back, a flag that was lost, or a UID that stands for two messages."""
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from ledger import Ledger, dealt, judge, read_all, start_again, work  # noqa: E402
from yubin import Site  # noqa: E402

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
DAEMONS = ("storaged", "storaged", "smtpd", "imapd", "authd", "yubind")


def killer(site, rng):
    kills = {}
    for name in dealt(KILLS, DAEMONS, rng):
        time.sleep(rng.uniform(0.05, 0.35))
        while not (pids := site.pids(name)):
            time.sleep(0.05)
        os.kill(rng.choice(pids), signal.SIGKILL)
        kills[name] = kills.get(name, 0) + 1
        if name == "yubind":
            start_again(site)
    return kills


def main():
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="yubin-fault-", dir="/var/tmp") as folder:
        site = Site(folder + "/site")
        site.start()
        ledger, stop = Ledger(), threading.Event()
        threads = work(site, ledger, stop, SEED)
        try:
            kills = killer(site, rng)
        finally:
            stop.set()
            for t in threads:
                t.join()
        faults = judge(ledger, read_all(site, "alice"), read_all(site, "bob"))
        site.stop()		# after that nothing is under way any more
        site.start()
        before = read_all(site, "alice")
        # The index goes too: everything comes back from the folders alone.
        site.stop()
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
