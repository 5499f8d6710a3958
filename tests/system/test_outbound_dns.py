"""Which hosts take a domain's mail, as DNS tells it: each case is a domain of its own, all mail goes out at once,
each test then looks at one fate."""
import contextlib
import re
import socket
import threading
import time
from collections import namedtuple

import nameserver
import pytest
from nameserver import NameServer, Zone
from sink import OFFERS, Sink
from yubin import DOMAIN, Site

GOOD, OTHER, UTF8, DOWN, NOBODY = (f"127.0.5.{n}" for n in (1, 2, 3, 8, 9))     # DOWN: 421; NOBODY: no listener
SELF = "127.0.0.1"      # the site's own mx port has the number of DeliverPort
EQUAL = 24              # domains with two hosts of one preference
IDN = "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher"
IDN_A = "xn--bcher-kva"

# records: {n} is the domain; tells: the address that it comes to, or words of the reason
Case = namedtuple("Case", "domain records fate status tells")
OPEN = [
    Case("first", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "a.{n} A " + GOOD, "b.{n} A " + OTHER], "delivered", "2.0.0", GOOD),
    Case("second-refuses", ["{n} MX 20 b.{n}", "{n} MX 10 a.{n}", "a.{n} A " + NOBODY, "b.{n} A " + OTHER], "delivered", "2.0.0", OTHER),
    Case("second-421", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "a.{n} A " + DOWN, "b.{n} A " + OTHER], "delivered", "2.0.0", OTHER),
    Case("all-down", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "a.{n} A " + NOBODY, "b.{n} A " + NOBODY], "deferred", "4.4.1", "refused"),
    Case("no-mx-a", ["{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("no-mx-aaaa-dead", ["{n} A " + GOOD, "{n} AAAA 2001:db8::1"], "delivered", "2.0.0", GOOD),
    Case("no-mx-no-address", ['{n} TXT "nothing here"'], "failed", "5.4.4", "has no address"),
    Case("null-mx", ["{n} MX 0 .", "{n} A " + GOOD], "failed", "5.1.10", "null MX"),
    Case("null-mx-beside-others", ["{n} MX 0 .", "{n} MX 10 a.{n}", "a.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("not-there", [], "failed", "5.1.2", "does not exist"),
    Case("mx-to-cname", ["{n} MX 10 a.{n}", "a.{n} CNAME b.{n}", "b.{n} CNAME c.{n}", "c.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("cname-to-mx", ["{n} CNAME b.{n}", "b.{n} MX 10 c.{n}", "c.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("mx-without-address", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", 'a.{n} TXT "no address"'], "failed", "5.4.4", "has no address"),
    Case("mx-without-address-then-good", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "b.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("cname-loop", ["{n} CNAME b.{n}", "b.{n} CNAME {n}"], "deferred", "4.4.3", "not known now"),
    Case("mx-to-cname-loop", ["{n} MX 10 a.{n}", "a.{n} CNAME b.{n}", "b.{n} CNAME a.{n}"], "deferred", "4.4.3", "has no address"),
    Case("mx-servfail", ["{n} MX 10 a.unanswered.test."], "deferred", "4.4.3", "has no address"),
    Case("mx-servfail-then-good", ["{n} MX 10 a.unanswered.test.", "{n} MX 20 b.{n}", "b.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("mx-bogus", ["{n} MX 10 a.forged.test."], "deferred", "4.7.0", "DNSSEC"),
    Case("mx-is-this-address", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "a.{n} A " + SELF, "b.{n} A " + GOOD], "failed", "5.4.6", "this server"),
    Case("mx-is-this-name", ["{n} MX 10 mail.here.test.", "{n} MX 20 b.{n}", "b.{n} A " + GOOD], "failed", "5.4.6", "this server"),
    Case("no-mx-this-address", ["{n} A " + SELF], "failed", "5.4.6", "this server"),
    Case("worse-is-this-name", ["{n} MX 10 a.{n}", "{n} MX 20 mail.here.test.", "a.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("worse-is-this-name-down", ["{n} MX 10 a.{n}", "{n} MX 20 mail.here.test.", "{n} MX 30 b.{n}", "a.{n} A " + NOBODY, "b.{n} A " + GOOD],
         "deferred", "4.4.1", "refused"),
    Case("worse-is-this-address-down", ["{n} MX 10 a.{n}", "{n} MX 20 b.{n}", "{n} MX 30 c.{n}", "a.{n} A " + NOBODY, "b.{n} A " + SELF, "c.{n} A " + GOOD],
         "deferred", "4.4.1", "refused"),
    Case("mx-aaaa-dead", ["{n} MX 10 a.{n}", "a.{n} AAAA ::ffff:" + NOBODY, "a.{n} AAAA 2001:db8::1", "a.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("many-addresses", ["{n} MX 10 a.{n}", *[f"a.{{n}} A 127.0.5.{n}" for n in range(20, 30)], "a.{n} A " + GOOD], "delivered", "2.0.0", GOOD),
    Case("twenty", [*[f"{{n}} MX {n} m{n}.{{n}}" for n in range(1, 21)], *[f"m{n}.{{n}} A {NOBODY}" for n in range(1, 20)], "m20.{n} A " + GOOD],
         "delivered", "2.0.0", GOOD),
    *[Case(f"equal{i}", ["{n} MX 10 a.{n}", "{n} MX 10 b.{n}", "a.{n} A " + GOOD, "b.{n} A " + OTHER], "delivered", "2.0.0", "127.0.5.") for i in range(EQUAL)],
]
CASES = {f"{c.domain}.open.test": c for c in OPEN}
CASES.update({
    "unanswered.test": Case("", [], "deferred", "4.4.3", "not known now"),
    "forged.test": Case("", [], "deferred", "4.7.0", "DNSSEC"),                # MX of a host that works
    "no-mx.forged.test": Case("", [], "deferred", "4.7.0", "DNSSEC"),          # "no MX" is forged too; its A would work
    "not-there.forged.test": Case("", [], "deferred", "4.7.0", "DNSSEC"),
    "signed.test": Case("", [], "delivered", "2.0.0", GOOD),
    f"[{OTHER}]": Case("", [], "delivered", "2.0.0", OTHER),
    f"[{SELF}]": Case("", [], "failed", "5.4.6", "this server"),
    f"{IDN_A}.open.test": Case("", [], "delivered", "2.0.0", GOOD),            # a server without SMTPUTF8
    f"{IDN}-2.open.test": Case("", [], "delivered", "2.0.0", UTF8),
    f"{IDN}-3.open.test": Case("", [], "delivered", "2.0.0", GOOD),            # to such a server too: the domain goes as DNS has it
})

pytestmark = pytest.mark.skipif(bool(nameserver.missing()), reason=f"not installed: {nameserver.missing()}")


def dns(domain):
    return domain if domain.isascii() else domain.encode("idna").decode()


def zones():
    lines = [line.format(n=c.domain) for c in OPEN for line in c.records]
    for name, address in ((IDN_A, GOOD), (dns(f"{IDN}-2"), UTF8), (dns(f"{IDN}-3"), GOOD), ("later", GOOD), ("silent", GOOD)):
        lines += [f"{name} MX 10 a.{name}", f"a.{name} A {address}"]
    good = ["@ MX 10 a", "a A " + GOOD, "no-mx A " + GOOD]
    return [Zone("open.test", lines, state="unsigned"), Zone("forged.test", good, state="bogus"), Zone("signed.test", good)]


FATE = re.compile(r'(delivered|deferred|failed) id=\S+ from=<\S*> to=<all@(\S+)> host=(\S*) status=(\S+) .*?(?:reason|reply)="(.*)"')


def fates(site, domains, seconds=60):
    """domain -> (fate, host, status, words): the first that is told of it."""
    end, found, domains = time.monotonic() + seconds, {}, set(domains)
    while not found.keys() >= domains and time.monotonic() < end:
        time.sleep(0.1)
        for fate, domain, host, status, words in FATE.findall(site.log()):
            found.setdefault(domain, (fate, host, status, words))
    return found


def send(site, domains):
    with site.submit() as c:
        for domain in domains:
            utf8 = not domain.isascii()
            text = f"From: alice@{DOMAIN}\r\nSubject: {'x' if utf8 else domain}\r\n\r\nhello\r\n"
            c.sendmail(f"alice@{DOMAIN}", [f"all@{domain}"], text, mail_options=["SMTPUTF8"] if utf8 else [])


def make_site(folder, resolver, anchor):
    site = Site(folder)
    site.set("deliverd", [f"Resolver {resolver}", f"TrustAnchor {anchor}", f"DeliverPort {site.port('mx')}", "DeliverTLS off"])
    site.start()
    return site


Result = namedtuple("Result", "found far site names")


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A site whose resolver takes questions and never answers; its mail is under way while the others' is looked at."""
    folder = tmp_path_factory.mktemp("silent")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        anchor = folder / "anchors"
        anchor.write_text("unused.invalid. IN DS 1 13 2 " + "00" * 32 + "\n")
        site = make_site(folder / "site", f"127.0.0.1:{hole.getsockname()[1]}", anchor)
        send(site, ["silent.test"])
        yield site
        site.stop()


@pytest.fixture(scope="module")
def result(tmp_path_factory, silent):
    folder = tmp_path_factory.mktemp("names")
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(NameServer(folder / "dns", zones()))
        site = make_site(folder / "site", names.resolver, names.anchor)
        stack.callback(site.stop)
        port = site.port("mx")
        far = {GOOD: Sink(GOOD, port), OTHER: Sink(OTHER, port), UTF8: Sink(UTF8, port, offers=(*OFFERS, "SMTPUTF8")),
               DOWN: Sink(DOWN, port, replies={"GREETING": "421 4.3.2 not now"})}
        for s in far.values():
            stack.enter_context(s)
        send(site, CASES)
        yield Result(fates(site, map(dns, CASES)), far, site, names)


@pytest.mark.parametrize("domain", CASES)
def test_fate(result, domain):
    case, domain = CASES[domain], dns(domain)
    assert domain in result.found, [line for line in result.site.log().splitlines() if domain in line]
    fate, host, status, words = result.found[domain]
    assert (fate, status) == (case.fate, case.status), (host, words)
    came = {a: m for a, s in result.far.items() for m in s.messages if m.recipients == [f"all@{domain}"]}
    if case.fate == "delivered":
        assert len(came) == 1 and next(iter(came)).startswith(case.tells), came
    else:
        assert case.tells in words and not came


def test_equal_ones_share(result):
    of = {a: [m for m in result.far[a].messages if ".".join(m.recipients).startswith("all@equal")] for a in (GOOD, OTHER)}
    assert len(of[GOOD]) + len(of[OTHER]) == EQUAL and of[GOOD] and of[OTHER]


TOLD = re.compile(r"Final-Recipient: \S+; all@(\S+)\r\n.*?Status: (\S+)", re.DOTALL)


def test_sender_is_told(result):
    """Each that failed comes back, and none that waits."""
    failed = {d for d, c in CASES.items() if c.fate == "failed"}
    end, told = time.monotonic() + 60, {}
    while len(told) < len(failed) and time.monotonic() < end:
        imap = result.site.imap()
        imap.select("INBOX", readonly=True)
        numbers = imap.search(None, "ALL")[1][0].split()
        for n in numbers:
            told.update(TOLD.findall(imap.fetch(n, "(BODY.PEEK[])")[1][0][1].decode()))
        imap.logout()
        time.sleep(0.2)
    assert told == {d: CASES[d].status for d in failed}


def test_one_message_each(result):
    """No try too many: a host that was not to be asked has seen nothing."""
    assert sum(len(s.messages) for s in result.far.values()) == sum(c.fate == "delivered" for c in CASES.values())
    for domain in ("worse-is-this-name-down", "worse-is-this-address-down", "mx-is-this-address", "mx-is-this-name"):
        assert not any(domain in line for s in result.far.values() for session in s.sessions for line in session.lines)


def test_resolver_frozen_for_a_while(result):
    """What was asked meanwhile is answered as soon as it comes back: the mail was not deferred."""
    result.names.freeze()
    timer = threading.Timer(2, result.names.thaw)
    timer.start()
    send(result.site, ["later.open.test"])
    found = fates(result.site, ["later.open.test"])
    timer.join()
    assert found["later.open.test"][0] == "delivered", found["later.open.test"]
    assert len(result.far[GOOD].messages) > 0


def test_silent_resolver(silent):
    fate, _, status, words = fates(silent, ["silent.test"], 120)["silent.test"]
    assert (fate, status) == ("deferred", "4.4.3") and "not known now" in words
