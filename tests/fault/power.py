#!/usr/bin/env python3
"""power.py [CYCLES] [SEED] [--control] - what was acknowledged is there after the power went, again and again.

The site lies on an ext4 of its own in a file. Under load that file system is told to stop at once (EXT4_IOC_SHUTDOWN, journal not flushed),
as if the machine had lost its power: what was not synced is gone. Then everything is killed, mounted anew and started, without a hand,
and the ledger is held against the mailboxes. Needs root.

--control: storaged's syncs do nothing (strace answers for them). Then something must be lost; if not, this test shows nothing."""
import contextlib
import fcntl
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from ledger import Ledger, judge, read_all, work  # noqa: E402
from yubin import Site  # noqa: E402

CONTROL = "--control" in sys.argv
NUMBERS = [int(a) for a in sys.argv[1:] if a.isdigit()]
CYCLES = NUMBERS[0] if NUMBERS else 10
SEED = NUMBERS[1] if len(NUMBERS) > 1 else int(time.time())
IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
CYCLES_OF_A_SITE = 10


class Disk:
    def __init__(self, folder):
        self.image, self.at = folder / "disk.img", folder / "disk"
        self.at.mkdir()

    def make(self):
        self.image.unlink(missing_ok=True)
        with open(self.image, "wb") as f:
            f.truncate(400 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.at)], check=True)

    def unmount(self):
        subprocess.run(["umount", str(self.at)], check=True)

    def cut(self):
        fd = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(fd, IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        os.close(fd)


def all_pids(site):
    return [p for d in ("yubind", "storaged", "authd", "smtpd", "pop3d", "imapd", "deliverd") for p in site.pids(d)]


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)


def without_syncs(site):
    return subprocess.Popen(["strace", "-f", "-q", "-o", "/dev/null", "-p", str(site.pids("storaged")[0]), "-e", "trace=fsync,fdatasync,syncfs,sync",
                             "-e", "inject=fsync,fdatasync,syncfs,sync:retval=0"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cycle(disk, site, ledger, rng, number):
    tracer = without_syncs(site) if CONTROL else None
    stop = threading.Event()
    if tracer:
        time.sleep(0.1)
    threads = work(site, ledger, stop, SEED + 100 * number)
    time.sleep(rng.uniform(0.2, 0.8))
    pids = all_pids(site)
    disk.cut()
    kill_all(pids)
    stop.set()
    for t in threads:
        t.join()
    if tracer:
        tracer.kill()
        tracer.wait()
    disk.unmount()
    disk.mount()
    site.start()


def main():
    rng = random.Random(SEED)
    faults, promised, site, ledger = [], 0, None, None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="yubin-power-", dir="/var/tmp"))
    disk = Disk(folder)
    try:
        for number in range(CYCLES):
            if number % CYCLES_OF_A_SITE == 0:
                if site:
                    site.stop()
                    disk.unmount()
                disk.make()
                site, ledger = Site(disk.at / "site"), Ledger()
                os.sync()
                site.start()
            had = len(ledger.promised)
            ledger.round = number
            cycle(disk, site, ledger, rng, number)
            promised += len(ledger.promised) - had
            found = judge(ledger, read_all(site, "alice"), read_all(site, "bob"))
            faults += [f"cycle {number}: {f}" for f in found]
            ledger.faults = []
            if found and CONTROL:
                break
    finally:
        with contextlib.suppress(OSError):
            kill_all(all_pids(site))
        subprocess.run(["umount", "-l", str(disk.at)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"power cut: {CYCLES if not CONTROL else number + 1} cycles{' without syncs' if CONTROL else ''}, {promised} messages acknowledged, "
          f"{len(faults)} faults, seed {SEED}")
    for f in faults[:3 if CONTROL else 20]:
        print("FAULT:", f)
    good = bool(faults) if CONTROL else not faults
    print(f"fault tests: {int(good)} passed, {int(not good)} failed")
    return not good


sys.exit(main())
