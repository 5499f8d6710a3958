"""What waits for other servers: looked at, held, sent another way, thrown away; and the story of a message."""
import contextlib
import gzip
import json
import os
import re
import signal
import smtplib
import socket
import time

import pytest
from sink import Sink
from yubin import DOMAIN

# Nobody listens at port 1: all mail waits.
NOWHERE = ["Route * 127.0.0.1:1", "RetryTimes 5m"]
NO_LIMITS = ["MessagesPerHour 0", "MessagesPerDay 0", "RecipientsPerHour 0", "RecipientsPerDay 0"]
TEXT = "From: {0}@here.test\r\nTo: them\r\nMessage-ID: <{1}@here.test>\r\nSubject: {1}\r\n\r\nhello\r\n"
ENTRY = {"id", "accepted", "size", "sender", "account", "envid", "message_id", "flags", "aside", "recipients"}
RECIPIENT = {"address", "sender", "original", "orcpt", "notify", "state", "bounce", "delay_told", "attempts", "next", "tried",
             "status", "words", "host", "route", "domain", "domain_held_off_until", "domain_words"}


@pytest.fixture
def site(make_site):
    return make_site(settings={"deliverd": NOWHERE, "authd": NO_LIMITS})


def send(site, to, name="m1", user="alice", rcpt=()):
    with site.submit(user) as smtp:
        smtp.sendmail(f"{user}@{DOMAIN}", to, TEXT.format(user, name), rcpt_options=rcpt)


def queue(site, *args):
    return json.loads(site.run("queue", "list", *args, "--json").stdout)


def people(entries):
    return sorted(r["address"] for e in entries for r in e["recipients"])


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def wait_tried(site, *args):
    """Until all has been tried, and nothing is in hand."""
    def tried():
        return all((r["attempts"] > 0 or r["domain_held_off_until"]) and r["state"] != "trying"
                   for e in queue(site, *args) for r in e["recipients"])
    wait_for(tried)
    return queue(site, *args)


# --- looking -------------------------------------------------------------------------

def test_list(site):
    assert site.run("queue", "list").stdout == "Nothing waits.\n"
    assert queue(site) == []
    send(site, ["b@far.test", "c@far.test", "d@dead.test"], rcpt=["NOTIFY=FAILURE"])
    send(site, ["e@dead.test"], "m2", "bob")
    entries = wait_tried(site)
    assert [e["sender"] for e in entries] == ["alice@here.test", "bob@here.test"]
    assert set(entries[0]) == ENTRY and set(entries[0]["recipients"][0]) == RECIPIENT
    assert people(entries[:1]) == ["b@far.test", "c@far.test", "d@dead.test"]
    assert entries[0]["message_id"] == "<m1@here.test>" and entries[0]["account"] == "alice@here.test"
    assert entries[0]["aside"] is None and entries[0]["recipients"][0]["notify"] == ["failure"]
    tried = [r for e in entries for r in e["recipients"] if r["attempts"]]
    assert tried and all(r["status"].startswith("4.") and r["words"] and r["tried"] for r in tried)
    text = site.run("queue", "list").stdout
    for word in (entries[0]["id"], "b@far.test", "tried 1 time", "2 messages, 4 recipients"):
        assert word in text
    storaged = next(d for d in site.status()["daemons"] if d["name"] == "storaged")
    assert storaged["queue_entries"] == 2 and storaged["queue_recipients"] == 4
    assert "queue_recipients 4" in site.run("status").stdout


def test_show(site):
    send(site, ["b@far.test"])
    entry = wait_tried(site)[0]
    text = site.run("queue", "show", entry["id"]).stdout
    for word in (entry["id"], "b@far.test", "alice@here.test", "<m1@here.test>", "tried"):
        assert word in text
    assert "hello" not in text and "Subject" not in text
    assert json.loads(site.run("queue", "show", entry["id"], "--json").stdout)[0]["id"] == entry["id"]
    r = site.run("queue", "show", "nosuch", ok=False)
    assert r.returncode == 1 and "there is no nosuch" in r.stderr


def test_filters(site):
    send(site, ["b@far.test", "d@dead.test"])
    send(site, ["e@dead.test"], "m2", "bob")
    first, second = (e["id"] for e in wait_tried(site))
    for args, want in ((("--from", "ALICE@here.test"), [first]), (("--from", "@here.test"), [first, second]),
                       (("--to", "e@dead.test"), [second]), (("--domain", "far.test"), [first]),
                       (("--domain", "dead.test"), [first, second]), (("--account", "bob@here.test"), [second]),
                       (("--waiting",), [first, second]), (("--held",), []), (("--aside",), []),
                       (("--older-than", "1h"), []), ((first,), [first]), ((second, "--domain", "far.test"), []),
                       ((first, second), [first, second])):
        assert [e["id"] for e in queue(site, *args)] == want, args
    # filters by recipient show those recipients alone
    assert people(queue(site, "--domain", "dead.test")) == ["d@dead.test", "e@dead.test"]


@pytest.mark.parametrize("args", [[], ["dance"], ["list", "--what"], ["list", "../x"], ["list", "--older-than", "soon"], ["show"],
                                  ["delete"], ["hold"], ["flush", "--json"], ["route", "--all"], ["route", "nowhere", "--all"],
                                  ["route", "host:0", "--all"], ["route", "::1:25", "--all"], ["delete", "--from"],
                                  ["delete", "--from", ""]])
def test_usage(site, args):
    """Nothing is changed without saying what."""
    r = site.run("queue", *args, ok=False)
    assert r.returncode == 2 and "usage:" in r.stderr


def test_without_a_server(site):
    site.stop()
    r = site.run("queue", "list", ok=False)
    assert r.returncode == 1 and "does not run" in r.stderr


# --- changing ------------------------------------------------------------------------

def test_hold_and_release(site):
    send(site, ["b@far.test", "c@far.test", "d@dead.test"])
    entry = wait_tried(site)[0]
    assert "1 message, 2 recipients: held." in site.run("queue", "hold", "--domain", "far.test").stdout
    assert people(queue(site, "--held")) == ["b@far.test", "c@far.test"]
    site.wait_log(f"queue entry held id={entry['id']}")
    site.run("restart", "storaged")
    wait_for(lambda: site.run("queue", "list", ok=False).returncode == 0)
    assert people(queue(site, "--held")) == ["b@far.test", "c@far.test"]
    assert "1 message, 2 recipients: released." in site.run("queue", "release", entry["id"]).stdout
    assert queue(site, "--held") == []


def test_delete(site):
    send(site, ["b@far.test", "c@far.test"])
    send(site, ["d@dead.test"], "m2")
    first, second = (e["id"] for e in wait_tried(site))
    site.run("queue", "delete", "--to", "c@far.test")
    assert people(queue(site)) == ["b@far.test", "d@dead.test"]
    r = site.run("queue", "delete", first, "nosuch", ok=False)
    assert r.returncode == 1 and "there is no nosuch" in r.stderr and "1 message, 1 recipient: deleted" in r.stdout
    assert [e["id"] for e in queue(site)] == [second]
    site.run("queue", "delete", "--all")
    assert queue(site) == []
    wait_for(lambda: not os.listdir(site.path / "queue"))
    assert "0 messages" in site.run("queue", "delete", "--all").stdout


def test_route_and_flush(site):
    with Sink() as far:
        send(site, ["b@far.test"])
        wait_tried(site)
        site.run("queue", "route", f"127.0.0.1:{far.port}", "--to", "b@far.test")
        site.run("queue", "flush", "--all")
        wait_for(lambda: queue(site) == [])
        assert [m.recipients for m in far.messages] == [["b@far.test"]]


def test_flush_behind_a_failure(site):
    """It is tried again, not held off with the others, though nothing has changed since."""
    send(site, ["b@far.test"])
    for failures in range(1, 4):
        site.wait_log(f"failures={failures}", seconds=20)
        wait_for(lambda: "1 message" in site.run("queue", "flush", "--all").stdout)


def test_bounce(site):
    send(site, ["b@far.test"])
    wait_tried(site)
    assert "go back" in site.run("queue", "bounce", "--all").stdout

    def told():
        imap = site.imap()
        imap.select("INBOX", readonly=True)
        count = len(imap.search(None, "ALL")[1][0].split())
        imap.logout()
        return count == 1
    wait_for(told)
    wait_for(lambda: queue(site) == [])


def test_set_aside(site):
    """What can't be read is shown, named in the log, and in nobody's way."""
    send(site, ["b@far.test"])
    send(site, ["c@far.test"], "m2")
    first, second = (e["id"] for e in wait_tried(site))
    site.stop()
    (site.path / "queue" / f"{first}.envelope").write_text("nonsense\n")
    for f in (site.path / "db").iterdir():
        f.unlink()
    since = len(site.log())
    site.start()
    site.wait_log(f"set aside id={first}", since)
    aside = queue(site, "--aside")
    assert [e["id"] for e in aside] == [first] and aside[0]["aside"]
    assert "set aside" in site.run("queue", "list").stdout
    assert [e["id"] for e in queue(site, "--waiting", "--held")] == [second]
    site.run("queue", "delete", "--aside")
    assert [e["id"] for e in queue(site)] == [second]


def test_many(site):
    """More than a page, of entries and of one entry's recipients: all come, each once."""
    crowd = [f"{'x' * 50}{i}@far.test" for i in range(600)]
    with site.submit() as smtp:
        for i in range(300):
            smtp.sendmail(f"alice@{DOMAIN}", [f"p{i}@far.test"], TEXT.format("alice", f"m{i}"))
        smtp.sendmail(f"alice@{DOMAIN}", crowd, TEXT.format("alice", "crowd"))
    for _ in range(2):
        entries = queue(site)
        assert len({e["id"] for e in entries}) == len(entries) == 301
        assert people(entries) == sorted([*crowd, *(f"p{i}@far.test" for i in range(300))])
        site.run("restart", "storaged")
        wait_for(lambda: site.run("queue", "list", ok=False).returncode == 0)
    assert "301 messages, 900 recipients: held." in site.run("queue", "hold", "--all").stdout
    assert len(queue(site, "--held")) == 301


def test_who_may_ask(site):
    """The socket takes orders of root and of who runs the server, and of nobody else."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    import subprocess
    from yubin import YUBIN
    os.chmod(site.path / "run", 0o777)
    with contextlib.suppress(OSError):
        os.chmod(site.path / "run/yubind.sock", 0o777)
    r = subprocess.run([YUBIN, "-C", str(site.path), "queue", "list"], capture_output=True, text=True, timeout=20,
                       user=65534, group=65534)
    assert r.returncode != 0 and "Nothing waits" not in r.stdout


# --- trace ---------------------------------------------------------------------------

def trace(site, what, *args):
    return json.loads(site.run("trace", what, "--json", *args).stdout)


def rotate(site, lines_of_old):
    """As logrotate does: all up to that line is in yubin.log.2.gz, the rest in yubin.log.1; a log that nobody can read stands by."""
    log = site.path / "log" / "yubin.log"
    lines = log.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if lines_of_old.encode() in line) + 1
    with gzip.open(log.parent / "yubin.log.2.gz", "wb") as f:
        f.writelines(lines[:cut])
    (log.parent / "yubin.log.1").write_bytes(b"".join(lines[cut:]))
    (log.parent / "yubin.log.3.xz").write_bytes(b"\xfd7zXZ\0")
    log.write_bytes(b"")
    for age, name in enumerate(("yubin.log.1", "yubin.log.2.gz", "yubin.log.3.xz")):
        os.utime(log.parent / name, (1_000_000 - age, 1_000_000 - age))


def test_trace(site):
    with Sink() as far:
        send(site, ["b@far.test", f"bob@{DOMAIN}"])
        entry = wait_tried(site)[0]
        site.wait_log("deferred id=" + entry["id"])
        for what in (entry["id"], "<m1@here.test>", "m1@here.test", "b@far.test", "alice@here.test", f"bob@{DOMAIN}"):
            found = trace(site, what)
            assert [m["id"] for m in found["messages"]] == [entry["id"]], what
            assert found["server_runs"] and found["complete"]
        message = found["messages"][0]
        assert message["mailboxes"] == 1 and message["elsewhere"] == 1 and message["accepted"]
        assert message["to"] == [f"bob@{DOMAIN}", "b@far.test"] and message["more_to"] == 0
        accepted = message["events"][0]
        assert accepted["event"] == "accepted" and accepted["connection"]["user"] == "alice@here.test"
        assert accepted["connection"]["peer"].startswith("127.0.0.1:") and "TLSv1.3" in accepted["connection"]["tls"]
        assert message["events"][1]["event"] == "deferred" and message["events"][1]["status"].startswith("4.")
        assert [(r["address"], r["state"]) for r in message["recipients"]] == [("b@far.test", "waiting")]
        text = site.run("trace", entry["id"]).stdout
        for word in ("accepted from alice@here.test", "into 1 mailbox here", "b@far.test: deferred", "waits"):
            assert word in text
        site.run("queue", "route", f"127.0.0.1:{far.port}", entry["id"])
        site.run("queue", "flush", "--all")
        wait_for(lambda: queue(site) == [])
        line = site.wait_log("delivered id=" + entry["id"])
        message = trace(site, entry["id"])["messages"][0]
        assert [(r["address"], r["state"]) for r in message["recipients"]] == [("b@far.test", "delivered")]
        delivered = message["events"][-1]
        assert delivered["event"] == "delivered" and delivered["host"] in line
        assert delivered["connection"]["id"] in line
        assert "b@far.test: delivered" in site.run("trace", entry["id"]).stdout
        site.stop()
        assert "b@far.test: delivered" in site.run("trace", entry["id"]).stdout
        before = trace(site, entry["id"])["messages"]
        rotate(site, lines_of_old="deferred id=" + entry["id"])
        assert trace(site, entry["id"])["messages"] == before


def test_trace_before_the_first_attempt(make_site):
    """Deliverd waits for an answer of the DNS that never comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        site = make_site(settings={"deliverd": [f"Resolver 127.0.0.1:{mute.getsockname()[1]}"], "authd": NO_LIMITS})
        send(site, ["slow@far.test"])
        message, = trace(site, "slow@far.test")["messages"]
        assert message["to"] == ["slow@far.test"] and message["recipients"][0]["state"] == "waiting"
        assert "slow@far.test: waits, is being tried" in site.run("trace", "slow@far.test").stdout


def test_many_recipients_of_one_message(site):
    """A line of the log has room for some of them; each one stands there once."""
    many = [f"r{i:02}@far.test" for i in range(60)]
    send(site, many)
    line = site.wait_log("message accepted")
    named = re.findall(r" to=<([^>]*)>", line)
    assert named == many[:len(named)] and 20 < len(named) < 60 and line.endswith(f" more={60 - len(named)}")
    assert trace(site, "r00@far.test")["messages"][0]["more_to"] == 60 - len(named)


def test_trace_of_nothing(site):
    r = site.run("trace", "nobody@nowhere.test", ok=False)
    assert r.returncode == 1 and "knows nothing of nobody@nowhere.test" in r.stderr
    assert trace(site, "nobody@nowhere.test")["messages"] == []
    assert site.run("trace", ok=False).returncode == 2
    assert site.run("trace", "a", "b", ok=False).returncode == 2
    assert site.run("trace", "a", "--since", "yesterday", ok=False).returncode == 2


def test_trace_of_what_was_deleted(site):
    send(site, ["b@far.test"])
    entry = wait_tried(site)[0]
    site.run("queue", "delete", entry["id"])
    site.wait_log("queue entry deleted id=" + entry["id"])
    message = trace(site, entry["id"])["messages"][0]
    assert "queue" in [e["event"] for e in message["events"]]
    assert [r["state"] for r in message["recipients"]] == ["gone"]


def test_trace_of_a_refusal(site):
    with contextlib.suppress(Exception):
        site.deliver("nobody")
    site.wait_log("recipient refused")
    found = trace(site, f"nobody@{DOMAIN}")
    assert found["messages"] == [] and found["refused"][0]["to"] == f"nobody@{DOMAIN}"
    assert "refused" in site.run("trace", f"nobody@{DOMAIN}").stdout


def test_trace_reads_a_broken_log(site):
    """Lines cut anywhere, bytes that are none: what can be read is told."""
    send(site, ["b@far.test"])
    entry = wait_tried(site)[0]
    line = site.wait_log("message accepted id=" + entry["id"])
    with open(site.path / "log/yubin.log", "ab") as log:
        for cut in range(0, len(line), 3):
            log.write(line[:cut].encode() + b"\n")
        log.write(b"\0\xff" * 5000 + b"\n" + b"x" * 100000 + b"\n")
    message = trace(site, entry["id"])["messages"][0]
    assert message["events"][0]["event"] == "accepted"


# --- faults --------------------------------------------------------------------------

def test_kill_storaged(site):
    """What was said to be queued is there after a kill, and an order that meets one fails with words."""
    send(site, ["b@far.test"])
    before = wait_tried(site)
    os.kill(site.pids("storaged")[0], signal.SIGKILL)
    site.run("queue", "list", ok=False)
    wait_for(lambda: site.run("queue", "list", ok=False).returncode == 0)
    assert [e["id"] for e in queue(site)] == [e["id"] for e in before]


def test_queue_limit(make_site):
    """A queue that is full takes no more for elsewhere, for now; local mail is taken, and room is made without a restart."""
    site = make_site(settings={"deliverd": NOWHERE, "authd": NO_LIMITS, "storaged": ["QueueLimit 2"]})
    for name in ("m1", "m2"):
        send(site, ["b@far.test"], name)
    with pytest.raises(smtplib.SMTPDataError, match="452.*4\\.3\\.1"):
        send(site, ["b@far.test"], "m3")
    site.wait_log("the queue is full")
    send(site, [f"bob@{DOMAIN}"], "m4")
    wait_tried(site)
    assert len(queue(site)) == 2
    site.run("queue", "delete", queue(site)[0]["id"])
    send(site, ["b@far.test"], "m5")
    assert people(queue(site)) == ["b@far.test"] * 2
