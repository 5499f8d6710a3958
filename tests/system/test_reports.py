"""What senders are told: reports of failure, delay and success (RFC 3461, 3464, 6522, 6533), to our own and to strangers, each
once. All mail of a site leaves together; each test then looks at its own."""
import contextlib
import email
import email.policy
import os
import random
import re
import signal
import smtplib
import time

import pytest
from sink import OFFERS, Sink
from yubin import DOMAIN, Site

FAST = ["RetryTimes 1s", "ConnectionIdle 1s", "GreetingTime 3s", "CommandTime 3s", "ReportSize 4k"]
NO_LIMITS = ["MessagesPerHour 0", "MessagesPerDay 0", "RecipientsPerHour 0", "RecipientsPerDay 0"]
REFUSED, FULL = "550 5.1.1 nobody of that name", "452 4.2.2 the mailbox is full"
STRANGER = "someone@sender.test"


def rcpt(session, line):
    """By name: no... are refused, gone... fail without an enhanced status, full... are put off."""
    who = line[line.index("<") + 1:].lower()
    return REFUSED if who.startswith("no") else "550 gone away" if who.startswith("gone") else FULL if who.startswith("full") else None


class Case:
    """One message: to whom, and what is asked for them."""

    def __init__(self, *to, ret=(), size=0, sender=f"alice@{DOMAIN}"):
        self.to = [t if isinstance(t, tuple) else (t, []) for t in to]
        self.ret, self.size, self.sender = list(ret), size, sender


N, S, SF, F, D = (["NOTIFY=" + w] for w in ("NEVER", "SUCCESS", "SUCCESS,FAILURE", "FAILURE", "DELAY"))
ORCPT = ["ORCPT=rfc822;B+2BB@old.test"]
CASES = {
    "refused": Case("no@far.test"),
    "refused-enhanced": Case("gone@far.test"),
    "three": Case("no1@far.test", "no2@far.test", "yes@far.test", "gone@far.test"),
    "domains": Case("no@far.test", "no@dsn.test"),
    "envid": Case(("no@far.test", ORCPT), ret=["ENVID=QQ+2B314+3D15"]),
    "never": Case(("no@far.test", N), ("full@far.test", N)),
    "success-failed": Case(("no@far.test", S)),
    "delay-failed": Case(("no@far.test", D)),
    "failure-failed": Case(("no@far.test", F)),
    "some-never": Case(("no1@far.test", N), ("no2@far.test", F)),
    "delayed": Case("full@far.test"),
    "delayed-both": Case("full1@far.test", "full2@far.test"),
    "delayed-failure": Case(("full@far.test", F)),
    "delayed-delay": Case(("full@far.test", D)),
    "relayed": Case(("yes@far.test", SF + ORCPT), ret=["ENVID=E1", "RET=FULL"]),
    "relayed-plain": Case("yes@far.test"),
    "relayed-failure": Case(("yes@far.test", F)),
    "passed": Case(("yes@dsn.test", SF + ORCPT), ("other@dsn.test", ["NOTIFY=FAILURE,DELAY"]), ret=["ENVID=QQ+2B1", "RET=HDRS"]),
    "passed-never": Case(("yes@dsn.test", N), ret=["RET=FULL"]),
    "ret-headers": Case("no@far.test", ret=["RET=HDRS"]),
    "ret-full": Case("no@far.test", ret=["RET=FULL"]),
    "too-large": Case("no@far.test", ret=["RET=FULL"], size=6000),
    "mixed": Case(("no@far.test", SF), ("yes@far.test", SF), ("gone@far.test", N)),
}


def text_of(subject, case, header=""):
    return (f"From: {case.sender}\r\nTo: them\r\nMessage-ID: <{subject}@here.test>\r\nSubject: {subject}\r\n{header}\r\n"
            "the body\r\n" + ("x" * 70 + "\r\n") * (case.size // 72))


def send(smtp, subject, case):
    smtp.ehlo_or_helo_if_needed()
    assert smtp.mail(case.sender, case.ret)[0] == 250
    for who, options in case.to:
        assert smtp.rcpt(who, options)[0] == 250
    code, words = smtp.data(text_of(subject, case))
    assert code == 250, words


def inbox(site, user):
    imap = site.imap(user)
    imap.select("INBOX", readonly=True)
    _, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
    imap.logout()
    return [d[1] for d in data or [] if isinstance(d, tuple)]


class Report:
    """As Python's email reads it."""

    def __init__(self, data):
        self.data, self.message = data, email.message_from_bytes(data, policy=email.policy.default)
        assert self.message.get_content_type() == "multipart/report" and not self.message.defects, data
        words, machine, self.original = self.message.iter_parts()
        self.words, self.kind = words.get_content(), machine.get_content_type()
        text = data.split(f"Content-Type: {self.kind}".encode())[1].split(b"\r\n\r\n", 1)[1].split(b"\r\n--=")[0]
        blocks = [email.message_from_bytes(b + b"\r\n\r\n", policy=email.policy.SMTPUTF8) for b in text.split(b"\r\n\r\n") if b.strip()]
        self.about, self.people = blocks[0], {b["Final-Recipient"].split(";")[1].strip(): b for b in blocks[1:]}
        assert len(self.people) == len(blocks) - 1

    @property
    def actions(self):
        return {who: b["Action"] for who, b in self.people.items()}

    @property
    def subject(self):
        return re.search(r"^Subject: (.*?)\r?$", self.original.as_string().split("\n\n", 1)[1], re.M).group(1)


def idle(site):
    """Nothing waits, and nothing is on its way to become a report."""
    return site.run("queue", "list").stdout == "Nothing waits.\n"


def wait_idle(site, seconds=60):
    end = time.monotonic() + seconds
    while not idle(site):
        assert time.monotonic() < end, site.run("queue", "list").stdout
        time.sleep(0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def servers():
    with contextlib.ExitStack() as stack:
        make = {"far": {}, "dsn": {"offers": (*OFFERS, "DSN")}, "utf8": {"offers": (*OFFERS, "SMTPUTF8")},
                "sender": {"offers": (*OFFERS, "SMTPUTF8", "DSN")}}
        yield {n: stack.enter_context(Sink(replies={"RCPT": rcpt} if n != "sender" else {}, **k)) for n, k in make.items()}


def site_of(path, servers, *lines, accounts=("alice", "postmaster")):
    site = Site(path, accounts=accounts, settings={
        "deliverd": [*[f"Route {n}.test 127.0.0.1:{s.port} tls=off" for n, s in servers.items()], *FAST, *lines], "authd": NO_LIMITS})
    site.start()
    site.run("alias", "add", f"out@{DOMAIN}", "no@far.test")
    site.run("alias", "add", f"wait@{DOMAIN}", "full@far.test")
    return site


@pytest.fixture(scope="module")
def sent(folder, servers):
    """subject -> the reports about it; all mail has found its end."""
    site = site_of(folder / "site", servers, "QueueLifetime 7s", "DelayNotice 1s")
    try:
        with site.submit() as smtp:
            for subject, case in CASES.items():
                send(smtp, subject, case)
            utf8(smtp)
        strangers(site)
        wait_idle(site)
        reports = {}
        for data in inbox(site, "alice"):
            r = Report(data)
            reports.setdefault(r.subject, []).append(r)
        yield reports, site
    finally:
        site.stop()


def utf8(smtp):
    """RFC 6531: an address, and a subject, that need it."""
    assert smtp.mail(f"alice@{DOMAIN}", ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
    smtp.send("RCPT TO:<nob\u00f6dy@utf8.test>\r\n".encode())
    assert smtp.getreply()[0] == 250
    assert smtp.data(f"From: alice@{DOMAIN}\r\nSubject: utf8 \u3086\u3046\r\n\r\n\u3073\u3093\r\n".encode())[0] == 250


def strangers(site):
    """On port 25, to aliases that go on to another server."""
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        send(smtp, "forwarded", Case((f"out@{DOMAIN}", ["ORCPT=rfc822;out@older.test"]), sender=STRANGER, ret=["ENVID=theirs"]))
        send(smtp, "forwarded-waits", Case(f"wait@{DOMAIN}", sender=STRANGER))
        send(smtp, "forwarded-never", Case((f"out@{DOMAIN}", N), sender=STRANGER))
        send(smtp, "from-nobody", Case(f"out@{DOMAIN}", sender=""))
        send(smtp, "from-nobody-waits", Case(f"wait@{DOMAIN}", sender=""))
        smtp.send("MAIL FROM:<s\u00f6meone@sender.test> SMTPUTF8 BODY=8BITMIME\r\n".encode())
        assert smtp.getreply()[0] == 250
        assert smtp.rcpt(f"out@{DOMAIN}")[0] == 250
        assert smtp.data("From: them\r\nSubject: forwarded-utf8\r\n\r\nx\r\n")[0] == 250


def one(sent, subject):
    found = sent[0].get(subject, [])
    assert len(found) == 1, [r.actions for r in found]
    return found[0]


# --- failure -------------------------------------------------------------------------

def test_a_failure(sent, servers):
    r = one(sent, "refused")
    m = r.message
    assert m.get_param("report-type") == "delivery-status" and r.kind == "message/delivery-status"
    assert m["From"].addresses[0].addr_spec == "MAILER-DAEMON@mail.here.test" and m["To"] == f"alice@{DOMAIN}"
    assert m["Auto-Submitted"] == "auto-replied" and m["In-Reply-To"] == "<refused@here.test>" and m["Return-Path"] == "<>"
    assert "refused" in m["Subject"] and abs(m["Date"].datetime.timestamp() - time.time()) < 120 and m["Message-ID"]
    assert "no@far.test" in r.words and REFUSED in r.words
    assert r.about["Reporting-MTA"] == "dns; mail.here.test" and r.about["Arrival-Date"] and r.about["Original-Envelope-Id"] is None
    b = r.people["no@far.test"]
    assert (b["Action"], b["Status"], b["Remote-MTA"]) == ("failed", "5.1.1", "dns; 127.0.0.1")
    assert b["Final-Recipient"] == "rfc822; no@far.test" and b["Diagnostic-Code"] == f"smtp; {REFUSED}" and b["Last-Attempt-Date"]
    assert b["Original-Recipient"] is None and b["Will-Retry-Until"] is None
    assert r.original.get_content_type() == "message/rfc822" and r.original.get_payload()[0].get_content().split() == ["the", "body"]
    sent[1].wait_log(f"about={r.about['X-Yubin-Queue-Id']} to=<alice@{DOMAIN}> kind=failure")


def test_a_reply_without_a_status(sent):
    b = one(sent, "refused-enhanced").people["gone@far.test"]
    assert re.fullmatch(r"5\.\d+\.\d+", b["Status"]) and b["Diagnostic-Code"] == "smtp; 550 gone away"


def test_several_in_one(sent):
    r = one(sent, "three")
    assert r.actions == dict.fromkeys(("no1@far.test", "no2@far.test", "gone@far.test"), "failed")
    assert all(who in r.words for who in r.people) and "yes@far.test" not in r.words


def test_of_two_domains(sent):
    """They are tried apart, at their own times: in one report or two, but each once."""
    found = sent[0]["domains"]
    assert sorted(who for r in found for who in r.people) == ["no@dsn.test", "no@far.test"]


def test_what_the_sender_wrote_comes_back(sent):
    """RFC 3461 4.2 and 4.4: xtext is undone."""
    r = one(sent, "envid")
    assert r.about["Original-Envelope-Id"] == "QQ+314=15"
    assert r.people["no@far.test"]["Original-Recipient"] == "rfc822; B+B@old.test"
    assert r.people["no@far.test"]["Final-Recipient"] == "rfc822; no@far.test"


# --- NOTIFY --------------------------------------------------------------------------

@pytest.mark.parametrize("subject", ["never", "success-failed", "delay-failed", "relayed-plain", "relayed-failure", "passed", "passed-never"])
def test_not_told(sent, subject):
    """RFC 3461 4.1: what was not asked for."""
    assert subject not in sent[0]


def test_failure_alone(sent):
    assert one(sent, "failure-failed").actions == {"no@far.test": "failed"}
    assert one(sent, "some-never").actions == {"no2@far.test": "failed"}


def test_delay_then_failure(sent):
    delay, failure = sent[0]["delayed"]
    assert delay.actions == {"full@far.test": "delayed"} and failure.actions == {"full@far.test": "failed"}
    b = delay.people["full@far.test"]
    assert b["Status"] == "4.2.2" and b["Diagnostic-Code"] == f"smtp; {FULL}" and b["Will-Retry-Until"]
    assert delay.original.get_content_type() == "text/rfc822-headers"
    assert failure.people["full@far.test"]["Status"] == "5.4.7" and FULL[:9] in failure.people["full@far.test"]["Diagnostic-Code"]
    assert failure.original.get_content_type() == "message/rfc822"


def test_delay_of_two_once(sent):
    assert sorted((a, w) for r in sent[0]["delayed-both"] for w, a in r.actions.items()) == [
        ("delayed", "full1@far.test"), ("delayed", "full2@far.test"), ("failed", "full1@far.test"), ("failed", "full2@far.test")]


def test_delay_as_asked_for(sent):
    assert one(sent, "delayed-failure").actions == {"full@far.test": "failed"}
    assert one(sent, "delayed-delay").actions == {"full@far.test": "delayed"}


# --- success -------------------------------------------------------------------------

def test_relayed(sent):
    """RFC 3461 5.2.2: the next server tells nothing, so we do."""
    r = one(sent, "relayed")
    b = r.people["yes@far.test"]
    assert (b["Action"], b["Status"][0], b["Remote-MTA"]) == ("relayed", "2", "dns; 127.0.0.1")
    assert b["Original-Recipient"] == "rfc822; B+B@old.test" and r.about["Original-Envelope-Id"] == "E1"
    assert r.original.get_content_type() == "text/rfc822-headers"      # RFC 3461 4.3: RET is for failures


def test_mixed(sent):
    actions = {}
    for r in sent[0]["mixed"]:
        assert not set(r.people) & set(actions)
        actions.update(r.actions)
    assert actions == {"no@far.test": "failed", "yes@far.test": "relayed"}


def test_passed_on(sent, servers):
    """RFC 3461 5.2.1: the next server gets all of it as it was, and tells the rest."""
    m, = [m for m in servers["dsn"].messages if b"Subject: passed\r\n" in m.data]
    assert set(m.mail_line.split()) >= {"ENVID=QQ+2B1", "RET=HDRS"}
    lines = {line[line.index("<") + 1:line.index(">")]: set(line.split()) for line in m.rcpt_lines}
    assert lines["yes@dsn.test"] >= {"NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;B+2BB@old.test"}
    assert lines["other@dsn.test"] & {"NOTIFY=FAILURE,DELAY", "NOTIFY=DELAY,FAILURE"}
    m, = [m for m in servers["dsn"].messages if b"Subject: passed-never\r\n" in m.data]
    assert "RET=FULL" in m.mail_line and "NOTIFY=NEVER" in m.rcpt_lines[0]
    assert not [m for m in servers["far"].messages if "RET=" in m.mail_line or "ENVID" in m.mail_line or "NOTIFY" in "".join(m.rcpt_lines)]


# --- the original --------------------------------------------------------------------

def test_what_comes_back(sent):
    assert one(sent, "ret-full").original.get_payload()[0].get_content().split() == ["the", "body"]
    for subject in ("ret-headers", "too-large"):
        r = one(sent, subject)
        assert r.original.get_content_type() == "text/rfc822-headers" and b"the body" not in r.data and b"xxxxx" not in r.data
        assert f"Message-ID: <{subject}@here.test>" in r.original.get_content()


def test_utf8(sent):
    """RFC 6533: types of its own, and the address as it is."""
    r, = [r for found in sent[0].values() for r in found if any(w.endswith("@utf8.test") for w in r.people)]
    assert r.message.get_param("report-type") == "global-delivery-status" and r.kind == "message/global-delivery-status"
    assert "Final-Recipient: utf-8; nob\u00f6dy@utf8.test" in r.data.decode() and list(r.actions.values()) == ["failed"]
    assert "nob\u00f6dy@utf8.test" in r.words and r.original.get_content_type() == "message/global"
    assert "\u3073\u3093" in r.data.decode() and "Subject: utf8 \u3086\u3046" in r.data.decode()


# --- strangers -----------------------------------------------------------------------

def theirs(servers, word):
    return [m for m in servers["sender"].messages if f"Subject: {word}\r\n".encode() in m.data]


def test_to_a_stranger(sent, servers):
    """What an alias of ours sent on: the report goes to the sender's server, out of the address that was made of theirs."""
    m, = theirs(servers, "forwarded")
    assert (m.sender, m.recipients) == ("", [STRANGER]) and b"Return-Path" not in m.data
    assert "NOTIFY=NEVER" in m.rcpt_lines[0]
    r = Report(m.data)
    b = r.people["no@far.test"]
    assert (b["Action"], b["Status"], b["Original-Recipient"]) == ("failed", "5.1.1", "rfc822; out@older.test")
    assert r.about["Original-Envelope-Id"] == "theirs"
    delay, failure = (Report(m.data) for m in theirs(servers, "forwarded-waits"))
    assert list(delay.actions.values()) == ["delayed"] and list(failure.actions.values()) == ["failed"]
    assert failure.people["full@far.test"]["Original-Recipient"] == f"rfc822; wait@{DOMAIN}"
    assert not theirs(servers, "forwarded-never")


def test_to_a_stranger_in_utf8(sent, servers):
    m, = theirs(servers, "forwarded-utf8")
    assert m.recipients == ["s\u00f6meone@sender.test"] and "SMTPUTF8" in m.mail_line
    assert Report(m.data).message.get_param("report-type") == "global-delivery-status"


def test_nobody_is_told_nothing(sent, servers):
    """RFC 5321 6.1; and without PostmasterCopies postmaster isn't either."""
    assert not theirs(servers, "from-nobody") and not theirs(servers, "from-nobody-waits")
    assert not inbox(sent[1], "postmaster")
    assert len(re.findall(r" failed id=\S+ from=<> ", sent[1].log())) + sent[1].log().count(" expired id=") >= 2


def test_nothing_else_is_told(sent):
    told = re.findall(r"report sent id=(\S+) about=", sent[1].log())
    assert len(told) == len(set(told))
    assert not [s for s in sent[0] if s not in CASES and not s.startswith("utf8")]


# --- postmaster ----------------------------------------------------------------------

WORDS = {"failures": {"p-failed": ["failed"], "p-waits": ["failed"], "p-forwarded": ["failed"]},
         "all": {"p-failed": ["failed"], "p-waits": ["delayed", "failed"], "p-forwarded": ["failed"], "p-relayed": ["relayed"]}}


@pytest.fixture(scope="module")
def copies(folder, servers):
    """For each word a site, whose reports to strangers come back: the messages of its postmaster, those of alice, what came to the
    strangers' server."""
    with contextlib.ExitStack() as stack:
        sites = {}
        for word in WORDS:
            refused = stack.enter_context(Sink(replies={"RCPT": REFUSED}))
            site = site_of(folder / word, {**servers, "sender": refused}, f"PostmasterCopies {word}", "QueueLifetime 7s", "DelayNotice 1s")
            stack.callback(site.stop)
            sites[word] = site, refused
            with site.submit() as smtp:
                send(smtp, "p-failed", Case("no@far.test"))
                send(smtp, "p-waits", Case("full@far.test"))
                send(smtp, "p-relayed", Case(("yes@far.test", S)))
                send(smtp, "p-never", Case("yes@far.test"))
            with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
                send(smtp, "p-forwarded", Case(f"out@{DOMAIN}", sender=STRANGER))
        for site, _ in sites.values():
            wait_idle(site)
        yield {word: (inbox(site, "postmaster"), inbox(site, "alice"), refused) for word, (site, refused) in sites.items()}


@pytest.mark.parametrize("word", WORDS)
def test_postmaster_copies(copies, word):
    """deliverd(8): postmaster gets them too; and a report that can't be delivered, as the end of it."""
    postmaster, alice, refused = copies[word]
    found, doubles = {}, []
    for r in map(Report, postmaster):
        if r.subject.startswith("Not delivered: "):
            doubles.append(r)
        else:
            found.setdefault(r.subject, []).extend(r.actions.values())
    assert found == WORDS[word]
    assert [list(r.people) for r in doubles] == [[STRANGER]]
    assert len([line for s in refused.sessions for line in s.lines if line.startswith("RCPT")]) == 1
    assert sorted(r.subject for r in map(Report, alice)) == ["p-failed", "p-relayed", "p-waits", "p-waits"]


# --- faults --------------------------------------------------------------------------

def test_killed(folder):
    """Killed while it tells: each sender hears of each message once."""
    count, stop = 60, random.Random(4)
    with Sink(replies={"RCPT": lambda s, line: time.sleep(0.01) or REFUSED}) as far:
        site = site_of(folder / "killed", {"far": far}, accounts=("alice",))
        try:
            for third in range(3):
                with site.submit() as smtp:
                    for i in range(third, count, 3):
                        send(smtp, f"k{i}", Case("no@far.test"))
                time.sleep(stop.random() * 0.1)
                for pid in site.pids("deliverd"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            end = time.monotonic() + 60
            while not idle(site) and time.monotonic() < end:
                time.sleep(0.1)
            assert sorted(Report(d).subject for d in inbox(site, "alice")) == sorted(f"k{i}" for i in range(count))
        finally:
            site.stop()
