"""APPEND of several messages and REPLACE on the real store: all or nothing, with storaged killed in between."""
import os
import re
import signal
import threading
import time

import pytest
from yubin import DOMAIN, PASSWORD

BATCH = 5
KILLS = 4  # tests/fault/calls.py has one at each system call


def message(mark, n=0):
    return f"Subject: {mark}\r\nX-Mark: {mark}\r\n\r\n{mark} {'x' * (n * 7001 % 90000)}\r\n"


def literals(texts):
    return "".join(f" (\\Seen $k{n}) {{{len(t)}+}}\r\n{t}" for n, t in enumerate(texts))


def login(site):
    """A session, as soon as there is one: storaged may have to come up again."""
    end = time.monotonic() + 4
    while True:
        try:
            c = site.secure("imaps")
            c.line()
            if c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK") and c.tagged("STATUS INBOX (MESSAGES)")[-1].startswith("t OK"):
                return c
        except (OSError, AssertionError):
            pass
        if time.monotonic() > end:  # yubind waits longer after many deaths, which is not what is tried here
            site.stop()
            site.start()
            end += 20
        time.sleep(0.05)


def marks(site, name):
    """Which marks there are, and how often; each message must be whole."""
    c = login(site)
    assert c.tagged(f"EXAMINE {name}")[-1].startswith("t OK")
    c.send("u UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[])\r\n")
    found, line = {}, c.file.readline()
    while not line.startswith(b"u "):
        size = int(re.search(rb"\{(\d+)\}\r\n", line).group(1))
        body = c.file.read(size).decode()
        mark = re.search(r"X-Mark: (\S+)", body).group(1)
        assert re.fullmatch(rf"Subject: {mark}\r\nX-Mark: {mark}\r\n\r\n{mark} x*\r\n", body), body[:80]
        found[mark] = found.get(mark, 0) + 1
        c.file.readline()
        line = c.file.readline()
    assert line.startswith(b"u OK"), line
    c.close()
    return found


def kill_after(site, seconds):
    """storaged dies that much later."""
    pid = site.pids("storaged")[0]

    def strike():
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    t = threading.Thread(target=strike)
    t.start()
    return t


def answered(c, command):
    """The tagged line of a command, or "" where the connection went."""
    try:
        return c.tagged(command)[-1]
    except (OSError, AssertionError):
        return ""


@pytest.fixture
def box(site):
    c = login(site)
    name = f"Atomic{time.monotonic_ns()}"
    assert c.tagged(f"CREATE {name}")[-1].startswith("t OK")
    c.close()
    return name


def test_both_work(site, box):
    c = login(site)
    assert c.tagged(f"APPEND {box}{literals([message('a'), message('b', 3), message('c', 9)])}")[-1].startswith("t OK [APPENDUID ")
    assert c.tagged(f"SELECT {box}")[-1].startswith("t OK")
    rows = c.tagged(f"UID REPLACE 2 {box}{literals([message('d', 2)])}")
    assert [r for r in rows if "[APPENDUID" in r] and "* 2 EXPUNGE" in rows and rows[-1].startswith("t OK"), rows
    c.close()
    assert marks(site, box) == {"a": 1, "c": 1, "d": 1}


def test_several_messages_are_all_there_or_none(site, box):
    outcomes = {}
    for i in range(KILLS):
        c = login(site)
        killer = kill_after(site, 0.003 * i)
        line = answered(c, f"APPEND {box}{literals([message(f'm{i}', n + i) for n in range(BATCH)])}")
        killer.join()
        c.close()
        outcomes[f"m{i}"] = line
        found = marks(site, box)
        for mark, said in outcomes.items():
            n = found.get(mark, 0)
            assert n == BATCH if said.startswith("t OK") else n in (0, BATCH) if "NO" not in said or "UNAVAILABLE" in said else n == 0, (mark, n, said)


def test_a_message_is_replaced_or_stays(site, box):
    now = "r0"
    c = login(site)
    assert c.tagged(f"APPEND {box}{literals([message(now)])}")[-1].startswith("t OK")
    c.close()
    for i in range(1, KILLS):
        c = login(site)
        assert c.tagged(f"SELECT {box}")[-1].startswith("t OK")
        killer = kill_after(site, 0.003 * i)
        line = answered(c, f"REPLACE 1 {box}{literals([message(f'r{i}', i)])}")
        killer.join()
        c.close()
        found = marks(site, box)
        assert found in ([{f"r{i}": 1}] if line.startswith("t OK") else [{f"r{i}": 1}, {now: 1}]), (found, line)
        now = next(iter(found))
