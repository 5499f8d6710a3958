"""Mail that leaves: by routes to servers that do as they are told. What DNS and TLS decide is in other files."""
import email
import email.policy
import json
import os
import signal
import time

import pytest
from sink import OFFERS, Sink
from yubin import DOMAIN, until

FAST = ["RetryTimes 1s 2s", "ConnectionIdle 1s", "GreetingTime 3s", "CommandTime 3s", "BlockTime 3s", "DataEndTime 3s"]
TEXT = "From: {}@here.test\r\nTo: them\r\nSubject: {}\r\n\r\nhello\r\n.\r\n..two\r\n"
FROM = "From: alice@here.test\r\n"


@pytest.fixture
def sender(make_site):
    """A running site whose mail goes to these servers, the first of them for everything that has no other."""
    def make(*sinks, lines=(), routes=None, fast=FAST, **kwargs):
        if routes is None:
            routes = ["Route * " + ",".join(f"127.0.0.1:{s.port}" for s in sinks)]
        return make_site(settings={"deliverd": [*routes, *fast, *lines]}, **kwargs)
    return make


def send(site, to, subject="hi", user="alice", text=None, mail=(), rcpt=()):
    with site.submit(user) as smtp:
        smtp.sendmail(f"{user}@{DOMAIN}", to, text or TEXT.format(user, subject), mail_options=mail, rcpt_options=rcpt)


def waiting(site):
    return json.loads(site.run("queue", "list", "--json").stdout)


def inbox(site, count=1, user="alice", seconds=60):
    """The messages in a user's INBOX, as soon as there are so many."""
    end = time.monotonic() + seconds
    while True:
        imap = site.imap(user)
        imap.select("INBOX", readonly=True)
        _, found = imap.search(None, "ALL")
        numbers = found[0].split()
        if len(numbers) >= count or time.monotonic() > end:
            break
        imap.logout()
        time.sleep(0.1)
    messages = [email.message_from_bytes(imap.fetch(n, "(BODY.PEEK[])")[1][0][1], policy=email.policy.default) for n in numbers]
    imap.logout()
    assert len(messages) >= count, f"{len(messages)} of {count} messages:\n{site.log()[-3000:]}"
    return messages


def parts(report):
    """The three parts of a report: words, fields for machines (one dict a block), the original."""
    words, machine, original = report.iter_parts()
    blocks = [dict(b.items()) for b in machine.get_payload()]
    return words.get_content(), blocks, original


# --- what arrives --------------------------------------------------------------------

def test_delivered(sender):
    with Sink() as far:
        site = sender(far)
        send(site, "bob@far.test", "one")
        m, = far.wait()
        assert m.sender == f"alice@{DOMAIN}" and m.recipients == ["bob@far.test"]
        assert m.data.endswith(b"\r\n\r\nhello\r\n.\r\n..two\r\n") and b"\r\nReceived: " in m.data
        assert m.data.startswith(b"DKIM-Signature: ") and b"Return-Path" not in m.data
        line = site.wait_log(" delivered id=")
        assert f'from=<alice@{DOMAIN}> to=<bob@far.test> host=127.0.0.1[127.0.0.1]:{far.port} status=2.0.0 tls=none' in line
        assert 'reply="250 2.0.0 taken"' in line and "DCID " in line
        assert site.status() is not None


def test_one_transaction_for_a_domain(sender):
    with Sink() as far:
        site = sender(far)
        send(site, ["a@far.test", "b@far.test", "c@far.test", "d@other.test"])
        far.wait(2)
        assert sorted(sorted(m.recipients) for m in far.messages) == [["a@far.test", "b@far.test", "c@far.test"], ["d@other.test"]]
        assert len(far.sessions) <= 2


def test_connections_are_kept(sender):
    with Sink() as far:
        site = sender(far, lines=["DestinationConnections 3"])
        with site.submit() as smtp:
            for i in range(30):
                smtp.sendmail(f"alice@{DOMAIN}", "bob@far.test", TEXT.format("alice", i))
        far.wait(30)
        assert far.most_open <= 3 and len(far.sessions) < 10
        assert sorted(int(email.message_from_bytes(m.data)["Subject"]) for m in far.messages) == list(range(30))


def test_messages_per_connection(sender):
    with Sink() as far:
        site = sender(far, lines=["MessagesPerConnection 2", "DestinationConnections 1"])
        for i in range(6):
            send(site, "bob@far.test", i)
        far.wait(6)
        assert max(sum(line.startswith("MAIL") for line in s.lines) for s in far.sessions) <= 2


def test_large(sender):
    body = "".join(f"{i:070d}\r\n" for i in range(60000))
    with Sink() as far:
        site = sender(far)
        send(site, "bob@far.test", text=f"{FROM}Subject: large\r\n\r\n{body}")
        m, = far.wait()
        assert m.data.decode().partition("\r\n\r\n")[2] == body


def test_chunking(sender):
    body = "".join(f".{i:070d}\r\n" for i in range(3000))
    with Sink(offers=(*OFFERS, "CHUNKING")) as far:
        site = sender(far)
        send(site, "bob@far.test", text=f"{FROM}Subject: chunks\r\n\r\n{body}")
        m, = far.wait()
        assert m.data.decode().partition("\r\n\r\n")[2] == body
        assert any(line.startswith("BDAT") for line in far.sessions[0].lines)


# --- what does not --------------------------------------------------------------------

def test_grey(sender):
    with Sink(replies={"RCPT": ["450 4.2.0 not yet", "250 2.1.5 ok"]}) as far:
        site = sender(far)
        send(site, "bob@far.test")
        line = site.wait_log(" deferred id=")
        assert 'status=4.2.0' in line and 'reason="450 4.2.0 not yet"' in line and " next=2" in line
        far.wait()


def test_failure_report(sender):
    with Sink(replies={"RCPT": "550 5.1.1 nobody of that name"}) as far:
        site = sender(far)
        send(site, "bob@far.test", "lost")
        report, = inbox(site)
        assert report.get_content_type() == "multipart/report" and report["From"] and "bob@far.test" in parts(report)[0]
        words, blocks, original = parts(report)
        assert blocks[1]["Action"] == "failed" and blocks[1]["Status"] == "5.1.1"
        assert blocks[1]["Final-Recipient"] == "rfc822;bob@far.test" or blocks[1]["Final-Recipient"] == "rfc822; bob@far.test"
        assert "nobody of that name" in blocks[1]["Diagnostic-Code"]
        assert original.get_content_type() == "message/rfc822" and original.get_payload()[0]["Subject"] == "lost"
        assert site.wait_log(" failed id=") and site.wait_log("report sent id=").endswith(f"to=<alice@{DOMAIN}> kind=failure")


def test_some_arrive(sender):
    def rcpt(session, line):
        return "550 5.1.1 nobody" if "<no" in line else "452 4.2.2 full" if "<full" in line and session.count["RCPT"] < 4 else None
    with Sink(replies={"RCPT": rcpt}) as far:
        site = sender(far, lines=["DestinationConnections 1"])
        send(site, ["yes@far.test", "no@far.test", "full@far.test"])
        assert far.wait()[0].recipients == ["yes@far.test"]
        report, = inbox(site)
        assert [b["Final-Recipient"].split(";")[1].strip() for b in parts(report)[1][1:]] == ["no@far.test"]
        assert 'to=<full@far.test>' in site.wait_log(" deferred id=")


@pytest.mark.parametrize("replies", [
    {"GREETING": "!hang"}, {"GREETING": "!close"}, {"GREETING": "554 5.7.1 go away"}, {"GREETING": "421 4.3.2 busy"},
    {"EHLO": "!flood"}, {"EHLO": "!line"}, {"MAIL": "99 what"}, {"MAIL": "!hang"}, {"RCPT": "421 4.3.2 busy"}, {"DATA": "!close"},
    {"BODY": "421 4.3.2 out of disk"}, {"END": "!hang"}, {"END": "451 4.3.0 later"}, {"GREETING": "220 \0\xff\r\x1b[2J"}],
    ids=lambda r: "-".join(f"{k}{v[:6]}" for k, v in r.items()).encode("ascii", "replace").decode())
def test_bad_server_then_good(sender, replies):
    """Whatever it does, mail for others goes on, and its own comes once it behaves."""
    with Sink(replies=replies) as far, Sink() as other:
        site = sender(far, routes=[f"Route * 127.0.0.1:{far.port}", f"Route other.test 127.0.0.1:{other.port}"])
        send(site, "bob@far.test", "first")
        send(site, "eve@other.test", "second")
        other.wait()
        if "GREETING" not in replies or replies["GREETING"][:3] != "220":
            site.wait_log(" deferred id=")
        far.replies.clear()
        far.wait()
        assert site.pids("deliverd") and "restarts 0" in site.run("status").stdout.split("deliverd[1]")[1].split("\n")[0]


def test_next_host(sender):
    with Sink(replies={"GREETING": "554 5.3.2 not today"}) as bad, Sink() as good:
        site = sender(bad, good)
        send(site, "bob@far.test")
        good.wait()
        assert not bad.messages


def test_expires(sender):
    with Sink(replies={"RCPT": "450 4.2.1 never"}) as far:
        site = sender(far, lines=["QueueLifetime 7s", "DelayNotice 1s"])
        send(site, "bob@far.test", "late")
        delay, failure = inbox(site, 2)
        assert parts(delay)[1][1]["Action"] == "delayed" and parts(failure)[1][1]["Action"] == "failed"
        assert parts(failure)[1][1]["Status"] == "5.4.7" and "4.2.1 never" in failure.as_string()
        assert len(inbox(site, 2)) == 2


def test_down_then_up(sender):
    """Nobody listens: the destination is held off as a whole, and all of it comes when somebody does."""
    far = Sink()
    port = far.port
    far.stop()
    site = None
    site = sender(routes=[f"Route * 127.0.0.1:{port}"])
    for i in range(10):
        send(site, "bob@far.test", i)
    line = site.wait_log(" deferred id=")
    assert "status=4.4.1" in line and "host=127.0.0.1:" in line
    with Sink(port=port) as far:
        far.wait(10)


def test_flush(sender):
    """Held off for an hour; flushed, it is tried at once."""
    far = Sink()
    port = far.port
    far.stop()
    site = sender(routes=[f"Route * 127.0.0.1:{port}"], lines=["RetryTimes 1h"], fast=FAST[1:])
    for i in range(3):
        send(site, "bob@far.test", i)
    site.wait_log("destination held off domain=far.test")
    time.sleep(1.2)	# what failed on its way within a second (DESTINATION_SETTLE_MS) is not tried anew
    with Sink(port=port) as far:
        site.run("queue", "flush", "--all")
        far.wait(3)
        site.wait_log("destination up again domain=far.test")


# --- what a server can't take ---------------------------------------------------------------

def test_too_large(sender):
    with Sink(offers=("PIPELINING", "SIZE 1000")) as far:
        site = sender(far)
        send(site, "bob@far.test", text=FROM + "Subject: big\r\n\r\n" + "x" * 60 + "\r\n" + "y" * 900 + "\r\n" * 200)
        assert parts(inbox(site)[0])[1][1]["Status"] == "5.3.4"
        assert not far.messages


def test_eight_bits(sender):
    text = "From: alice@here.test\r\nSubject: 8\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" \
           "Content-Transfer-Encoding: 8bit\r\n\r\n\u3086\u3046\u3073\u3093\r\n"
    with Sink(offers=("PIPELINING",)) as far:
        site = sender(far)
        send(site, "bob@far.test", text=text.encode(), mail=["BODY=8BITMIME"])
        m, = far.wait()
        assert max(m.data) < 128
        assert email.message_from_bytes(m.data, policy=email.policy.default).get_content() == "\u3086\u3046\u3073\u3093\r\n"


def test_utf8_address(sender):
    with Sink() as far:
        site = sender(far)
        with site.submit() as smtp:
            smtp.ehlo()
            smtp.mail(f"alice@{DOMAIN}", ["SMTPUTF8", "BODY=8BITMIME"])
            smtp.send("RCPT TO:<b\u00f6b@far.test>\r\n".encode())
            assert smtp.getreply()[0] == 250
            assert smtp.data(FROM + "Subject: utf8\r\n\r\nx\r\n")[0] == 250
        assert "5.6.7" in site.wait_log(" failed id=") and not far.messages
        assert "Status: 5.6.7" in inbox(site)[0].as_string()


@pytest.mark.parametrize("offers", [(), ("SMTPUTF8",)], ids=["without", "with"])
def test_utf8_in_the_header_of_a_part(sender, offers):
    """RFC 6532: that needs SMTPUTF8 as much as one in the message's own header."""
    text = ("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
            "Content-Disposition: attachment; filename=\"ゆう.txt\"\r\n\r\ny\r\n--b--\r\n")
    with Sink(offers=(*OFFERS, *offers)) as far:
        site = sender(far)
        with site.submit() as smtp:
            smtp.ehlo()
            smtp.mail(f"alice@{DOMAIN}", ["SMTPUTF8", "BODY=8BITMIME"])
            assert smtp.rcpt("bob@far.test")[0] == 250
            assert smtp.data((FROM + text).encode())[0] == 250
        if offers:
            m, = far.wait()
            assert "ゆう.txt".encode() in m.data
        else:
            assert "5.6.7" in site.wait_log(" failed id=") and not far.messages


def test_limits(sender):
    with Sink(offers=(*OFFERS, "LIMITS RCPTMAX=2")) as far:
        site = sender(far, lines=["DestinationConnections 1"])
        send(site, [f"r{i}@far.test" for i in range(5)])
        far.wait(3)
        assert sorted(len(m.recipients) for m in far.messages) == [1, 2, 2]


def test_too_many_recipients(sender):
    def rcpt(session, line):
        return "452 4.5.3 too many" if len(session.recipients) >= 2 else None
    with Sink(replies={"RCPT": rcpt}) as far:
        site = sender(far)
        send(site, [f"r{i}@far.test" for i in range(5)])
        far.wait(3)
        assert sorted(r for m in far.messages for r in m.recipients) == [f"r{i}@far.test" for i in range(5)]
        assert " deferred id=" not in site.log()


def test_success_report(sender):
    with Sink() as far:
        site = sender(far)
        send(site, "bob@far.test", rcpt=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;bob@far.test"])
        far.wait()
        block = parts(inbox(site)[0])[1][1]
        assert block["Action"] == "relayed" and block["Original-Recipient"].replace(" ", "") == "rfc822;bob@far.test"


def test_success_is_passed_on(sender):
    with Sink(offers=(*OFFERS, "DSN")) as far:
        site = sender(far)
        send(site, "bob@far.test", mail=["RET=HDRS", "ENVID=QQ1"], rcpt=["NOTIFY=SUCCESS", "ORCPT=rfc822;b@far.test"])
        m, = far.wait()
        assert "RET=HDRS" in m.mail_line and "ENVID=QQ1" in m.mail_line
        assert "NOTIFY=SUCCESS" in m.rcpt_lines[0] and "ORCPT=rfc822;b@far.test" in m.rcpt_lines[0]
        until(lambda: not waiting(site))
        assert "report sent" not in site.log()


def test_no_report_for_reports(sender):
    """A report that can't be delivered is the end of it; postmaster hears of both."""
    with Sink(replies={"RCPT": "550 5.1.1 nobody"}) as far:
        site = sender(far, lines=["PostmasterCopies failures"])
        site.run("alias", "add", f"out@{DOMAIN}", "bob@far.test")
        site.deliver("out", TEXT.format("x", "on its way"), sender="someone@there.test")
        first, second = inbox(site, 2)
        assert "bob@far.test" in first.as_string() and "someone@there.test" in second.as_string()
        until(lambda: site.log().count("report sent") >= 2 and not waiting(site))
        assert site.log().count("report sent") == 2 and site.log().count(" failed id=") == 2
        assert [s for s in far.sessions if any("MAIL FROM:<>" in line for line in s.lines)]


# --- routes ---------------------------------------------------------------------------------

def test_routes(sender):
    with Sink() as everything, Sink() as domain, Sink() as who, Sink(lmtp=True) as lists:
        site = sender(routes=[f"Route * 127.0.0.1:{everything.port}", f"Route far.test 127.0.0.1:{domain.port}",
                              f"Route bob@{DOMAIN} 127.0.0.1:{who.port}", f"Route .lists.test 127.0.0.1:{lists.port} lmtp"])
        send(site, ["a@other.test", "b@far.test", "c@x.lists.test", "d@y.x.lists.test"])
        send(site, ["a@other.test", "b@far.test"], user="bob")
        assert sorted(m.sender[:5] + m.recipients[0] for m in everything.wait()) == ["alicea@other.test"]
        assert sorted(m.recipients[0] for m in domain.wait(2)) == ["b@far.test"] * 2
        assert [m.recipients[0] for m in who.wait()] == ["a@other.test"]
        assert sorted(m.recipients[0] for m in lists.wait(2)) == ["c@x.lists.test", "d@y.x.lists.test"]
        assert lists.sessions[0].lines[0].startswith("LHLO ")


def test_auth(sender, make_site):
    with Sink(users={"us": "s3cret word"}) as far:
        site = make_site(start=False, settings={"deliverd": [f"Route * 127.0.0.1:{far.port} auth=isp.auth tls=may", *FAST]})
        auth = site.path / "etc/isp.auth"
        auth.write_text("user us\npassword wrong\n")
        os.chmod(auth, 0o600)
        site.start()
        send(site, "bob@far.test")
        assert "535" in site.wait_log(" deferred id=") and not far.messages
        auth.write_text("user us\npassword s3cret word\n")
        site.run("reload")
        far.wait()
        assert "s3cret" not in site.log()


def test_auth_never_in_clear(sender, make_site):
    with Sink(users={"us": "pw"}) as far:
        site = make_site(start=False, settings={"deliverd": [f"Route * 127.0.0.1:{far.port} auth=isp.auth", *FAST]})
        (site.path / "etc/isp.auth").write_text("user us\npassword pw\n")
        os.chmod(site.path / "etc/isp.auth", 0o600)
        site.start()
        send(site, "bob@far.test")
        site.wait_log(" deferred id=")
        assert not far.messages and not any(line.startswith("AUTH") for s in far.sessions for line in s.lines)


@pytest.mark.parametrize("line", ["Route * nowhere", "Route * host:25 tls=strong", "Route a..b x:25", "Route * x:25 auth=missing.auth",
                                  "RetryTimes soon", "BindAddress here", "Resolver one.one"])
def test_bad_settings_are_refused(make_site, line):
    site = make_site(start=False, settings={"deliverd": [line]})
    r = site.run("config", "check", ok=False)
    assert r.returncode == 1 and "deliverd.conf" in r.stdout + r.stderr


def test_bind_address(sender):
    with Sink() as far:
        site = sender(far, lines=["BindAddress 127.0.0.77"])
        send(site, "bob@far.test")
        far.wait()
        assert far.sessions[0].sock.getpeername()[0] == "127.0.0.77"


# --- forwards --------------------------------------------------------------------------------

def test_forward(sender):
    with Sink() as far:
        site = sender(far)
        site.run("alias", "add", f"out@{DOMAIN}", "bob@far.test")
        site.deliver("out", TEXT.format("x", "on its way"))
        m, = far.wait()
        assert m.recipients == ["bob@far.test"] and m.sender.startswith("SRS0=") and m.sender.endswith(f"@{DOMAIN}")
        assert m.data.count(b"Delivered-To: ") == 1 and f"Delivered-To: out@{DOMAIN}".encode() in m.data


# --- faults -----------------------------------------------------------------------------------

def test_killed(sender):
    """Killed in the midst of it: all of it arrives, twice only what was in the cut."""
    with Sink(replies={"END": lambda s, line: time.sleep(0.02)}) as far:
        site = sender(far)
        with site.submit() as smtp:
            for i in range(60):
                smtp.sendmail(f"alice@{DOMAIN}", "bob@far.test", TEXT.format("alice", i))
        far.wait(5)
        left = len(waiting(site))	# what has left the queue by now comes no more
        os.kill(site.pids("deliverd")[0], signal.SIGKILL)
        until(lambda: not waiting(site))
        subjects = [email.message_from_bytes(m.data)["Subject"] for m in far.messages]
        assert len(set(subjects)) == 60 and len(subjects) <= 60 + min(left, 40)


def test_stopped(sender):
    with Sink(replies={"MAIL": "450 4.3.2 later"}) as far:
        site = sender(far)
        for i in range(5):
            send(site, "bob@far.test", i)
        site.wait_log(" deferred id=")
        site.stop()
        far.replies.clear()
        site.start()
        far.wait(5)


def test_reload(sender):
    with Sink() as one, Sink() as two:
        site = sender(one)
        send(site, "bob@far.test")
        one.wait()
        conf = site.path / "etc/deliverd.conf"
        conf.write_text(conf.read_text().replace(f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"))
        site.run("reload")
        send(site, "bob@far.test")
        two.wait()
        assert len(one.messages) == 1
