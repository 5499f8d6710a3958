"""Who is connected, and sent away: account sessions, account kick, and what ends sessions by itself."""
import json
import os
import signal
import subprocess

import pytest
from peer import secure
from yubin import DOMAIN, PASSWORD, YUBIN, Site

PORTS = {"imap": "imaps", "pop3": "pop3s", "smtp": "submissions"}
BYE = {"imap": "* BYE", "smtp": "421 "}
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


def logged_in(site, protocol, user=ALICE):
    import base64
    c = secure(site, PORTS[protocol])
    c.begin()
    text = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
    answer = c.say(("AUTHENTICATE PLAIN " if protocol == "imap" else "AUTH PLAIN ") + text)[-1]
    assert answer.startswith(("t OK", "+OK", "235 ")), answer
    return c


def rows(site, *only):
    return json.loads(site.run("account", "sessions", *only, "--json").stdout)


def ended(c, words):
    rest = c.rest().decode()
    if c.protocol in BYE:
        assert rest.startswith(BYE[c.protocol]) and words in rest, rest
    c.close()


def test_list_and_kick(site):
    open_ = [logged_in(site, p) for p in PORTS] + [logged_in(site, "imap", BOB)]
    all_ = rows(site)
    assert sorted((r["address"], r["protocol"]) for r in all_) == sorted([(ALICE, p) for p in PORTS] + [(BOB, "imap")])
    for r in all_:
        assert r["tls"] == "TLSv1.3" and r["peer"] == "127.0.0.1" and r["daemon"] == {"smtp": "smtpd", "pop3": "pop3d", "imap": "imapd"}[r["protocol"]]
        assert r["since"].endswith("Z")
        site.wait_log(f"ICID {r['id']} login user={r['address']}")
    assert [r["address"] for r in rows(site, BOB)] == [BOB]
    smtp = next(r["id"] for r in all_ if r["protocol"] == "smtp")
    assert site.run("account", "kick", BOB, "--session", smtp, ok=False).returncode == 1, "another's session"
    assert site.run("account", "kick", ALICE, "--session", smtp).stdout == "1 ended\n"
    ended(open_[2], "administrator")
    assert site.run("account", "kick", ALICE).stdout == "2 ended\n"
    ended(open_[0], "administrator")
    ended(open_[1], "")
    assert [r["address"] for r in rows(site)] == [BOB]
    assert open_[3].say("NOOP")[-1].startswith("t OK")
    open_[3].close()
    assert site.run("account", "kick", ALICE, ok=False).returncode == 1, "nobody is there"
    assert site.run("account", "kick", ALICE, "--session", "x", ok=False).returncode == 2


NAMES = [("Work", "Work", "Work"), ("a b", "a b", "a\\x20b"), ("-", "-", "\\x2d"), ('"q\\"', '\\"q\\\\\\"', None), ("&ZeVnLA-", "&ZeVnLA-", None)]


@pytest.mark.parametrize("name,quoted,shown", NAMES, ids=[n[0] for n in NAMES])
def test_mailbox(site, name, quoted, shown):
    c = logged_in(site, "imap")
    assert [r["mailbox"] for r in rows(site)] == [None]
    c.say(f'CREATE "{quoted}"')
    assert c.say(f'SELECT "{quoted}"')[-1].startswith("t OK")
    assert [r["mailbox"] for r in rows(site)] == ["日本" if name.startswith("&") else name]
    if shown:
        assert site.run("account", "sessions").stdout.endswith(f"Z  {shown}\n")
    c.say("UNSELECT")
    assert [r["mailbox"] for r in rows(site)] == [None]
    c.close()


@pytest.mark.parametrize("verb", [["disable"], ["passwd", "--password-stdin"]])
def test_ended_by_itself(site, verb):
    c, other = logged_in(site, "imap"), logged_in(site, "imap", BOB)
    site.run("account", verb[0], ALICE, *verb[1:], text=PASSWORD + "2\n")
    ended(c, "")
    assert [r["address"] for r in rows(site)] == [BOB]
    other.close()
    site.run("account", "enable", ALICE)
    site.run("account", "passwd", ALICE, "--password-stdin", text=PASSWORD + "\n")


def test_nobody_answers(site):
    site.stop()
    assert site.run("account", "sessions", ok=False).returncode == 1
    site.start()


def test_more_than_one_answer_takes(tmp_path):
    """300 sessions with mailboxes open whose names are long: five answers of 60 kB. Several who ask at once, and one who kicks, get each their own."""
    site = Site(tmp_path / "site", settings={"imapd": ["ConnectionsPerUser 1000", "ConnectionsPerAddress 1000"]})
    site.start()
    open_ = [logged_in(site, "imap") for _ in range(300)]
    name = "/".join("m" * 248 for _ in range(4))
    open_[0].say(f'CREATE "{name}"')
    for c in open_:
        c.send(f't SELECT "{name}"\r\n')
    for c in open_:
        assert c.answer()[-1].startswith("t OK")
    want = sorted(r["id"] for r in rows(site))
    assert len(set(want)) == len(want) == 300
    assert {r["mailbox"] for r in rows(site)} == {name}
    asked = [subprocess.Popen([YUBIN, "-C", str(site.path), "account", "sessions", "--json"], stdout=subprocess.PIPE) for _ in range(8)]
    kicks = [subprocess.Popen([YUBIN, "-C", str(site.path), "account", "kick", ALICE, "--session", want[i]], stdout=subprocess.PIPE) for i in range(5)]
    assert [k.communicate(timeout=60)[0] for k in kicks] == [b"1 ended\n"] * 5
    for a in asked:
        ids = [r["id"] for r in json.loads(a.communicate(timeout=60)[0])]
        assert a.returncode == 0 and len(set(ids)) == len(ids) and set(want[5:]) <= set(ids) <= set(want)
    assert sorted(r["id"] for r in rows(site)) == want[5:]
    for c in open_:
        c.close()
    site.stop()


def test_a_daemon_that_does_not_answer(site):
    """What is known is told, and that it is not all."""
    c, other = logged_in(site, "pop3"), logged_in(site, "imap", BOB)
    pid = site.pids("pop3d")[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        listed = subprocess.Popen([YUBIN, "-C", str(site.path), "account", "sessions", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        kick = site.run("account", "kick", BOB, ok=False)
        out, err = listed.communicate(timeout=60)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert listed.returncode == 1 and "pop3d 1 has not answered" in err, err
    assert [r["address"] for r in json.loads(out)] in ([BOB], [])   # the kick may have been first
    assert kick.returncode == 1 and "pop3d 1 has not answered: sessions there may go on; 1 ended" in kick.stderr, kick.stderr
    assert [r["protocol"] for r in rows(site)] == ["pop3"]
    c.close()
    other.close()
