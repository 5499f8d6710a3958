#!/usr/bin/env python3
"""power.py [CYCLES] [SEED] [--on ext4|xfs|snapshot] [--control] - what was acknowledged is there after the power went, again and again.

The site lies on a file system of its own in a file. Under load the power goes:
  ext4, xfs   the file system is told to stop at once (its shutdown ioctl, log not flushed): what was not synced is gone
  snapshot    the file below an ext4 is cloned (FICLONE, on an XFS), and the clone is what the machine comes back with: all that had
              reached the disk by then, whatever the file system would have written next
Then everything is killed, mounted anew and started, without a hand, and the ledger is held against the mailboxes. Needs root.

--control: storaged's syncs do nothing (strace answers for them). Then something must be lost; if not, this test shows nothing."""
import argparse
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
from ledger import Ledger, judge, read_all, wait_traced, work  # noqa: E402
from yubin import Site  # noqa: E402

IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
FICLONE = 0x40049409
CYCLES_OF_A_SITE = 10


def mount(kind, image, at):
    """On a loop device of its own each time: the last one may live on in somebody's mount namespace, and what was shut down with it."""
    device = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["mount", *(["-o", "nouuid"] if kind == "xfs" else []), device, str(at)], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)	# once nobody has it mounted


def make(kind, image, megabytes):
    image.unlink(missing_ok=True)
    with open(image, "wb") as f:
        f.truncate(megabytes << 20)
    subprocess.run([f"mkfs.{kind}", "-q", *(["-F"] if kind == "ext4" else []), str(image)], check=True)


class Disk:
    """A file system that is shut down."""

    def __init__(self, folder, kind):
        self.kind, self.image, self.at = kind, folder / "disk.img", folder / "disk"
        self.at.mkdir()

    def make(self):
        make(self.kind, self.image, 400)
        mount(self.kind, self.image, self.at)

    def unmount(self, seconds=60):
        """What was killed lets go of it a moment later."""
        end = time.monotonic() + seconds
        while (code := subprocess.run(["umount", str(self.at)], check=False).returncode) and time.monotonic() < end:
            time.sleep(0.2)
        if code:
            raise SystemExit(f"power.py: {self.at} can't be unmounted")

    def cut(self, ledger):
        """What was promised by now holds. A machine without power promises nothing more; here it goes on for some milliseconds, in which
        the kernel has been seen to answer a sync with success."""
        fd = os.open(self.at, os.O_RDONLY)
        with ledger.lock:
            before = ledger.copy()
        fcntl.ioctl(fd, IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        os.close(fd)
        return lambda: ledger.go_back(before)

    def back(self):
        """With a copy of the disk: where a mount namespace of somebody still has the old one, the kernel goes on writing to it."""
        self.unmount()
        copy = self.image.with_name("copy.img")
        subprocess.run(["cp", "--sparse=always", str(self.image), str(copy)], check=True)
        copy.replace(self.image)
        mount(self.kind, self.image, self.at)

    def end(self):
        subprocess.run(["umount", "-l", str(self.at)], check=False)


class Snapshots(Disk):
    """An ext4 whose disk is cloned while it works."""

    def __init__(self, folder):
        super().__init__(folder, "ext4")
        self.below = folder / "below"
        self.below.mkdir()
        make("xfs", folder / "below.img", 1600)
        mount("xfs", folder / "below.img", self.below)
        self.image, self.clone = self.below / "disk.img", self.below / "clone.img"

    def cut(self, ledger):
        with ledger.lock:
            before = ledger.copy()
        with open(self.image, "rb") as old, open(self.clone, "wb") as new:
            fcntl.ioctl(new.fileno(), FICLONE, old.fileno())
        return lambda: ledger.go_back(before)

    def back(self):
        self.unmount()
        self.clone.replace(self.image)
        mount(self.kind, self.image, self.at)

    def end(self):
        super().end()
        subprocess.run(["umount", "-l", str(self.below)], check=False)


def all_pids(site):
    return [p for d in ("yubind", "storaged", "authd", "smtpd", "pop3d", "imapd", "deliverd") for p in site.pids(d)]


def halted(site):
    """All its processes. yubind stands still from here on, and starts no others."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(site.supervisor(), signal.SIGSTOP)
    return all_pids(site)


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 60
    while any(lives(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)


def without_syncs(site):
    pid = site.pids("storaged")[0]
    tracer = subprocess.Popen(["strace", "-f", "-q", "-o", "/dev/null", "-p", str(pid), "-e", "trace=fsync,fdatasync,syncfs,sync",
                               "-e", "inject=fsync,fdatasync,syncfs,sync:retval=0"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_traced(pid, tracer)
    return tracer


def cycle(disk, site, ledger, rng, seed, control):
    tracer = without_syncs(site) if control else None
    stop = threading.Event()
    threads = work(site, ledger, stop, seed)
    time.sleep(rng.uniform(0.2, 0.8))
    pids = halted(site)
    settle = disk.cut(ledger)
    kill_all(pids)
    stop.set()
    for t in threads:
        t.join()
    if tracer:
        tracer.kill()
        tracer.wait()
    settle()
    disk.back()
    site.start()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("cycles", type=int, nargs="?", default=10)
    parser.add_argument("seed", type=int, nargs="?", default=int(time.time()))
    parser.add_argument("--on", choices=("ext4", "xfs", "snapshot"), default="ext4")
    parser.add_argument("--control", action="store_true")
    return parser.parse_args()


def cycles(asked, disk, rng):
    """Runs them all; what was promised, and what was found."""
    faults, promised, site, ledger = [], 0, None, None
    try:
        for number in range(asked.cycles):
            if number % CYCLES_OF_A_SITE == 0:
                if site:
                    site.stop()
                    disk.unmount()
                disk.make()
                site, ledger = Site(disk.at / "site"), Ledger()
                subprocess.run(["sync", "--file-system", str(disk.at)], check=True)
                site.start()
            had = len(ledger.promised)
            ledger.round = number
            cycle(disk, site, ledger, rng, asked.seed + 100 * number, asked.control)
            promised += len(ledger.promised) - had
            found = judge(ledger, read_all(site, "alice"), read_all(site, "bob"))
            faults += [f"cycle {number}: {f}" for f in found]
            ledger.faults = []
            if found:
                if not asked.control:
                    kept = shutil.copytree(site.path, tempfile.mkdtemp(prefix="yubin-power-fault-", dir="/var/tmp"), dirs_exist_ok=True,
                                           ignore=shutil.ignore_patterns("*.sock"))
                    print(f"the site as it was then: {kept}")
                break
        return number + 1, promised, faults
    finally:
        with contextlib.suppress(OSError):
            kill_all(halted(site))


def main():
    asked = arguments()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="yubin-power-", dir="/var/tmp"))
    disk = Snapshots(folder) if asked.on == "snapshot" else Disk(folder, asked.on)
    try:
        done, promised, faults = cycles(asked, disk, random.Random(asked.seed))
    finally:
        disk.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"power cut ({asked.on}): {done} cycles{' without syncs' if asked.control else ''}, {promised} messages acknowledged, "
          f"{len(faults)} faults, seed {asked.seed}")
    for f in faults[:3 if asked.control else 20]:
        print("FAULT:", f)
    good = bool(faults) if asked.control else not faults
    print(f"fault tests: {int(good)} passed, {int(not good)} failed")
    return not good


sys.exit(main())
