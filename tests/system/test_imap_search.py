"""Long searches beside other sessions: those are served as if nobody searched, and a client that goes takes its search along."""
import math
import os
import statistics
import time

import pytest
from yubin import Site, until

MESSAGES = 60
SEARCH = 'SEARCH BODY "aaab aaab"'
TEXT = b"From: a@here.test\r\nSubject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + \
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\r\n" * 28000


def cpu_s(pid):
    """Of all its threads."""
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


def noops(s):
    """The median of what one takes, in seconds."""
    times = []
    for _ in range(40):
        t = time.monotonic()
        s.tagged("NOOP")
        times.append(time.monotonic() - t)
    return statistics.median(times)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One worker, and 120 MB of text."""
    s = Site(tmp_path_factory.mktemp("search") / "site", accounts=("alice",), settings={"imapd": ["Workers 1"]})
    s.start()
    imap = s.imap()
    imap.append("INBOX", None, None, TEXT)
    imap.select("INBOX")
    while (count := len(imap.search(None, "ALL")[1][0].split())) < MESSAGES:
        imap.copy(f"1:{min(count, MESSAGES - count)}", "INBOX")
        imap.noop()
    imap.logout()
    yield s
    s.stop()


def test_others_are_served(site):
    """Others may use the machine, too: so it is compared with what a NOOP takes without a search, and one good comparison is enough."""
    searching, other = [site.selected() for _ in range(6)], site.selected()
    for _ in range(20):
        for c in searching:
            c.send(f"a {SEARCH}\r\n")
        busy = noops(other)
        for c in searching:
            lines = [line for line in iter(c.line, "a OK SEARCH completed") if "INPROGRESS" not in line]
            assert lines == ["* SEARCH"]
        alone = noops(other)
        if busy < 0.005 + 10 * alone:
            break
    else:
        raise AssertionError(f"{busy:.4f} s beside searches, {alone:.4f} s without")


def test_who_goes_takes_the_search_along(site):
    """A second is left to those that only closed their half of the connection; here are four times as many searches as that has time
    for, on whatever machine."""
    worker = site.pids("imapd")[0]
    before = cpu_s(worker)
    site.selected().tagged(SEARCH)
    whole = cpu_s(worker) - before
    searching = [site.selected() for _ in range(30)]
    each = math.ceil(4 * (os.cpu_count() or 1) / (len(searching) * whole))
    before = cpu_s(worker)
    for c in searching:
        c.send(f"a {SEARCH}\r\n" * each)
    for c in searching:
        c.close()

    def is_quiet():
        then = cpu_s(worker)
        time.sleep(0.5)
        return cpu_s(worker) - then < 0.1
    until(is_quiet)
    assert cpu_s(worker) - before < len(searching) * each * whole / 2
