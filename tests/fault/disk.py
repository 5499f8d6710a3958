#!/usr/bin/env python3
"""disk.py [CYCLES] [SEED] - the disk fills and has room again, many times, under load.

The site lies on an ext4 of its own in a file. What was acknowledged is there; every time there is room again, mail is taken again,
without a hand; no daemon was restarted, but for storaged, which ends where even its reserve is taken as it gives it free. Needs root."""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from ledger import Ledger, judge, read_all, work  # noqa: E402
from yubin import Site  # noqa: E402

NUMBERS = [int(a) for a in sys.argv[1:]]
CYCLES = NUMBERS[0] if NUMBERS else 10
SEED = NUMBERS[1] if len(NUMBERS) > 1 else int(time.time())
AGAIN_S = 60	# mail is taken again by then


def fill(ballast):
    """To the last block, though mail is written meanwhile."""
    with open(ballast, "ab", buffering=0) as f:
        for piece in (1 << 22, 1 << 16, 1 << 12):
            try:
                while True:
                    os.posix_fallocate(f.fileno(), os.fstat(f.fileno()).st_size, piece)
            except OSError:
                pass


def cycle(ledger, ballast, rng, number):
    """Full, then room again: what is wrong, and how long it took until mail was taken."""
    for _ in range(rng.randrange(1, 4)):
        fill(ballast)
        time.sleep(rng.uniform(0.02, 0.15))
    os.unlink(ballast)
    had, begun = len(ledger.promised), time.monotonic()
    while len(ledger.promised) == had:
        if time.monotonic() - begun > AGAIN_S:
            return [f"cycle {number}: no mail was taken in {AGAIN_S} seconds"], AGAIN_S
        time.sleep(0.01)
    waited = time.monotonic() - begun
    time.sleep(rng.uniform(0, 0.1))
    return [], waited


def run(site, ballast):
    pids = {d: site.pids(d) for d in ("storaged", "authd", "smtpd", "imapd")}
    ledger, stop, faults, longest = Ledger(), threading.Event(), [], 0
    threads = work(site, ledger, stop, SEED)
    rng = random.Random(SEED)
    try:
        for number in range(CYCLES):
            found, waited = cycle(ledger, ballast, rng, number)
            faults, longest = faults + found, max(longest, waited)
    finally:
        stop.set()
        for t in threads:
            t.join()
    faults += judge(ledger, read_all(site, "alice"), read_all(site, "bob"))
    lines = site.log().splitlines()
    ends = [line for line in lines if "storaged[1] store ends" in line]
    ended = sum("No space left" in line for line in ends)
    untold = any(" yubind log lines lost " in line for line in lines)	# the log lies on the same disk
    faults += [line for line in ends if "No space left" not in line]
    faults += [f"{d} was restarted" for d, was in pids.items() if site.pids(d) != was and (d != "storaged" or not (ended or untold))]
    print(f"full disk: {CYCLES} times, {len(ledger.promised)} messages acknowledged, mail taken again after {longest:.2f} s at most, "
          f"storaged ended {ended} times, {len(faults)} faults, seed {SEED}")
    return faults


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="yubin-disk-", dir="/var/tmp"))
    image, at = folder / "disk.img", folder / "disk"
    at.mkdir()
    with open(image, "wb") as f:
        f.truncate(600 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        site = Site(at / "site")
        site.start()
        faults = run(site, at / "ballast")
        site.stop()
        if faults:
            kept = shutil.copytree(site.path, tempfile.mkdtemp(prefix="yubin-disk-fault-", dir="/var/tmp"), dirs_exist_ok=True,
                                   ignore=shutil.ignore_patterns("*.sock"))
            print(f"the site as it was then: {kept}")
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    for f in faults[-20:]:
        print("FAULT:", f)
    print(f"fault tests: {int(not faults)} passed, {int(bool(faults))} failed")
    return bool(faults)


sys.exit(main())
