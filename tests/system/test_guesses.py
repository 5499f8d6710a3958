"""Who guesses passwords is told to try later, in the words of each protocol, and its owner comes in meanwhile."""
import base64

import pytest
from peer import secure
from yubin import DOMAIN, PASSWORD, Site

PORTS = {"imap": "imaps", "pop3": "pop3s", "smtp": "submissions"}
LATER = {"imap": "t NO [UNAVAILABLE]", "pop3": "-ERR [SYS/TEMP]", "smtp": "454 4.7.0"}
WRONG = {"imap": "t NO [AUTHENTICATIONFAILED]", "pop3": "-ERR [AUTH]", "smtp": "535 5.7.8"}
RIGHT = {"imap": "t OK", "pop3": "+OK", "smtp": "235 "}
HOME, ALICE, GUESSES, ADDRESS_GUESSES = "127.1.0.1", f"alice@{DOMAIN}", 2, 4


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """None of the addresses that the tests come from is spared; nobody gets a further guess while they run."""
    s = Site(tmp_path_factory.mktemp("site") / "site", settings={"authd": [
        "FailureDelay 0s", "HashMemory 8M", "HashPasses 1", f"AccountGuesses {GUESSES}", "AccountDelay 1h", "AccountDelayMax 1h",
        f"LoginGuesses {ADDRESS_GUESSES}", "LoginGuessTime 1h"]})
    conf = s.path / "etc/yubin.conf"
    conf.write_text(conf.read_text().replace("LimitExempt 127.0.0.0/8", "LimitExempt 127.0.0.1/32"))
    s.start()
    assert login(s, "imap", HOME, ALICE, PASSWORD).startswith(RIGHT["imap"])  # a known place from now on
    yield s
    s.stop()


def login(site, protocol, source, user, password):
    with secure(site, PORTS[protocol], source=source) as c:
        c.begin()
        text = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return c.say(("AUTHENTICATE PLAIN " if protocol == "imap" else "AUTH PLAIN ") + text)[-1]


def guess(site, protocol, source, user, password, words):
    answer = login(site, protocol, source, user, password)
    assert answer.startswith(words[protocol]), (source, user, password, answer)


def owner(site, since):
    """From home by each protocol; the log says from where."""
    for p in PORTS:
        guess(site, p, HOME, ALICE, PASSWORD, RIGHT)
        assert f"peer={HOME}" in site.wait_log(f"login user={ALICE} service={p}", since)


@pytest.mark.parametrize("n,protocol", enumerate(PORTS), ids=PORTS)
def test_one_account(site, n, protocol):
    attacker, since = f"127.2.{n}.1", len(site.log())
    for i in range(GUESSES):
        guess(site, protocol, attacker, ALICE, f"guess {i}", WRONG)
    guess(site, protocol, attacker, ALICE, "one too many", WRONG)  # the wait begins behind it
    guess(site, protocol, attacker, ALICE, "too soon", LATER)
    assert f"user={ALICE} peer={attacker} service={protocol}" in site.wait_log("reason=throttled", since)
    guess(site, protocol, attacker, ALICE, PASSWORD, LATER)  # the right one tells nothing now
    for other in PORTS:
        guess(site, other, attacker, ALICE, "too soon", LATER)  # one count for all protocols
    owner(site, since)
    guess(site, protocol, f"127.3.{n}.1", ALICE, PASSWORD, RIGHT)  # and from a place that is new


@pytest.mark.parametrize("n,protocol", enumerate(PORTS), ids=PORTS)
def test_one_address(site, n, protocol):
    attacker, since = f"127.4.{n}.1", len(site.log())
    for i in range(ADDRESS_GUESSES):
        guess(site, protocol, attacker, f"user{i}@{DOMAIN}", "x", WRONG)
    for user in (f"bob@{DOMAIN}", f"user9@{DOMAIN}"):
        guess(site, protocol, attacker, user, PASSWORD, LATER)
    site.wait_log("reason=throttled", since)
    guess(site, protocol, f"127.4.{n}.2", f"user9@{DOMAIN}", "x", WRONG)  # its neighbour is another one
    owner(site, since)


def test_neighbour_at_home(site):
    """A known place has guesses of its own: who sits there and mistypes is not told to wait."""
    for i in range(GUESSES + ADDRESS_GUESSES + 1):
        guess(site, "imap", HOME, ALICE, f"mistyped {i}", WRONG)
    owner(site, len(site.log()))
