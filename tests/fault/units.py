#!/usr/bin/env python3
"""units.py [--most N] [--seed N] [--kind KIND] PROGRAM... - unit tests in which the n-th call goes wrong (inject.c), for many n.

KIND: malloc (no memory), emfile (no descriptor), short (a read or write does half), eintr (a signal came first).
Without memory or descriptors a test may fail, by its own words; it must not crash, hang or corrupt what it has. Halves and signals
nobody may notice: the test passes. Of each program at most N calls are tried, spread over all it makes. After --seconds no more
programs are begun; which ones come first is a matter of chance. Programs that take longer than --slow without a fault are left out."""
import argparse
import collections
import concurrent.futures
import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

HIDDEN = ("short", "eintr")
CRASH = re.compile(rb"exception: |Segmentation|double free|corrupted|free\(\): |malloc\(\): |realloc\(\): |munmap_chunk|stack smashing|Sanitizer|runtime error|"
                   rb": (?!tests/)[a-z0-9_/]+\.[ch]:\d+: \w+: Assertion")
TOO_LONG_S = 60


def crashed_in(program, out):
    """The source file that a crash was in, the first of ours on the stack."""
    addresses = re.findall(rb"^frame (0x[0-9a-f]+)$", out, re.M)
    if not addresses:
        return None
    # A return address lies behind its call.
    back = [f"0x{int(a, 16) - (i > 2):x}" for i, a in enumerate(addresses)]
    lines = subprocess.run(["addr2line", "-e", program, *back], capture_output=True, text=True).stdout.split()
    here = [os.path.relpath(line.rsplit(":", 1)[0]) for line in lines if line.startswith(os.getcwd() + "/") or line.startswith("./")]
    here = [path for path in here if path != "tests/fault/inject.c"]
    return here[0] if here else "a library"


def run(program, kind, at, count=None, most_s=TOO_LONG_S):
    env = os.environ | {"FAULT_KIND": kind, "FAULT_AT": str(at)} | ({"FAULT_COUNT": count} if count else {})
    with tempfile.TemporaryDirectory(prefix="yubin-fault-") as folder, tempfile.TemporaryFile() as told:
        # Told to a file: what a failed test leaves running would hold a pipe open.
        test = subprocess.Popen([os.path.abspath(program)], env=env | {"TMPDIR": folder}, stdin=subprocess.DEVNULL, stdout=told, stderr=told,
                                start_new_session=True, restore_signals=False)	# SIGPIPE is ignored, as in the daemons
        try:
            code = test.wait(most_s)
        except subprocess.TimeoutExpired:
            return "hangs", b""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(test.pid, signal.SIGKILL)
            test.wait()
        told.seek(0)
        out = told.read()
    place = crashed_in(program, out)
    if place and not place.startswith("tests/"):
        return f"crashes in {place}", out
    if CRASH.search(out):
        return "crashes", out
    if code < 0 and code != -signal.SIGABRT:	# which is what the tests' fakes do without memory
        return f"dies of signal {-code}", out
    return ("fails" if code else ""), out


def calls_of(program, kind, slow_s):
    with tempfile.NamedTemporaryFile(prefix="yubin-count-") as f:
        word, out = run(program, kind, 0, f.name, slow_s)
        return (int(pathlib.Path(f.name).read_text() or 0) if not word else 0), word, out


def chosen(calls, most, rng):
    if calls <= most:
        return list(range(1, calls + 1))
    return sorted(rng.sample(range(1, calls + 1), most))


def try_all(program, kind, most, seed, slow_s):
    """How many calls were tried, and what was wrong."""
    calls, word, out = calls_of(program, kind, slow_s)
    if word == "fails":		# on a machine that others use too
        calls, word, out = calls_of(program, kind, slow_s)
    if word == "hangs" and slow_s < TOO_LONG_S:
        return 0, []
    if word:
        return 0, [(0, f"{word} without a fault", out)]
    tried = chosen(calls, most, random.Random(f"{seed} {program} {kind}"))
    wrong = []
    for at in tried:
        word, out = run(program, kind, at)
        if word == "fails" and kind in HIDDEN:	# twice: some wait for no longer than a busy machine takes
            word, out = run(program, kind, at)
        if word and (word != "fails" or kind in HIDDEN):
            wrong.append((at, word, out))
    return len(tried), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=5)
    parser.add_argument("--slow", type=float, default=TOO_LONG_S)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--kind", action="append", choices=("malloc", "emfile", "short", "eintr"))
    parser.add_argument("-v", action="store_true")
    parser.add_argument("program", nargs="+")
    asked = parser.parse_args()
    kinds = asked.kind or ["malloc", "emfile", "short", "eintr"]
    todo = [(program, kind) for program in asked.program for kind in kinds]
    random.Random(asked.seed).shuffle(todo)
    end, tried, bad = time.monotonic() + asked.seconds, collections.Counter(), 0

    def one(program, kind):
        return try_all(program, kind, asked.most, asked.seed, asked.slow) if time.monotonic() < end else (0, [])

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = {pool.submit(one, *row): row for row in todo}
        for done in concurrent.futures.as_completed(running):
            program, kind = running[done]
            count, wrong = done.result()
            tried[kind] += count
            bad += len(wrong)
            for at, word, out in wrong:
                print(f"FAULT: {pathlib.Path(program).name} {word}: FAULT_KIND={kind} FAULT_AT={at} {program}", flush=True)
                if asked.v:
                    sys.stdout.write(out.decode(errors="replace")[-1500:] + "\n")
    print(", ".join(f"{kind} {n}" for kind, n in sorted(tried.items())) + f" calls failed in turn, {bad} faults, seed {asked.seed}")
    print(f"fault tests of units: {int(not bad)} passed, {int(bool(bad))} failed")
    return bool(bad)


sys.exit(main())
