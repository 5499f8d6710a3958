"""App passwords, and hashes of other servers: made by the command, good for what they are for, in three protocols and by SCRAM; revoked, and only these."""
import base64
import json
import subprocess

import pytest
from peer import secure
from yubin import DOMAIN, PASSWORD, YUBIN, Site

ALICE = f"alice@{DOMAIN}"
PORTS = {"imap": "imaps", "pop3": "pop3s", "smtp": "submissions"}
REFUSED = {"imap": "t NO [AUTHORIZATIONFAILED]", "pop3": "-ERR [AUTH]", "smtp": "535 5.7.8"}
WRONG = {"imap": "t NO [AUTHENTICATIONFAILED]", "pop3": "-ERR [AUTH]", "smtp": "535 5.7.8"}
RIGHT = {"imap": "t OK", "pop3": "+OK", "smtp": "235 "}


def login(site, protocol, password, user=ALICE, authzid=""):
    with secure(site, PORTS[protocol]) as c:
        c.begin()
        text = base64.b64encode(f"{authzid}\0{user}\0{password}".encode()).decode()
        return c.say(("AUTHENTICATE PLAIN " if protocol == "imap" else "AUTH PLAIN ") + text)[-1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("site") / "site", accounts=("alice", "bob", "carol"), settings={"authd": ["FailureDelay 0s"]})
    s.start()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def phone(site):
    return site.run("account", "app", "add", ALICE, "phone", "--scope", "imap,smtp", "--expires", "2099-01-31").stdout.strip()


@pytest.mark.parametrize("protocol", PORTS)
def test_scope(site, phone, protocol):
    since = len(site.log())
    answer = login(site, protocol, phone)
    assert answer.startswith(REFUSED[protocol] if protocol == "pop3" else RIGHT[protocol]), answer
    if protocol == "pop3":
        assert "not for POP3" in answer
        site.wait_log("reason=app-password-not-for-this", since)
    else:
        site.wait_log("app=phone", since)
    assert login(site, protocol, phone[:-1]).startswith(WRONG[protocol])
    assert login(site, protocol, PASSWORD).startswith(RIGHT[protocol])


@pytest.mark.parametrize("protocol,good", [("imap", True), ("smtp", True), ("pop3", False)])
def test_scram(site, phone, protocol, good):
    """Its own password and the app's by the same challenge."""
    from test_scram import GOOD, Talk
    for password, how in ((PASSWORD, True), (phone, good), (phone[1:], False)):
        t = Talk(site, protocol)
        answer = t.login(ALICE, password)
        t.close()
        assert answer.startswith(GOOD[protocol]) == how, answer


def test_expired(site):
    """The answer says so to who has it, and to nobody else."""
    file, old = site.path / "accounts" / DOMAIN / "carol.account", "2099-01-31T23:59:59Z"
    password = site.run("account", "app", "add", f"carol@{DOMAIN}", "old", "--expires", "2099-01-31").stdout.strip()
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, "2020-01-31T23:59:59Z"))
    site.run("reload")
    for protocol, expired in (("imap", "t NO [EXPIRED]"), ("pop3", "-ERR [AUTH] this app password has expired"),
                              ("smtp", "535 5.7.8 this app password has expired")):
        since = len(site.log())
        assert login(site, protocol, password, f"carol@{DOMAIN}").startswith(expired)
        site.wait_log("reason=app-password-expired", since)
        assert login(site, protocol, password[1:], f"carol@{DOMAIN}").startswith(WRONG[protocol])


@pytest.mark.parametrize("protocol", PORTS)
def test_somebody_else(site, protocol):
    """Who proves who he is may not come in as another; a wrong password tells nobody whether he might."""
    said = {"imap": REFUSED["imap"], "pop3": "-ERR [AUTH] you may not log in", "smtp": "535 5.7.8 you may not log in"}[protocol]
    wrong = {"imap": WRONG["imap"], "pop3": "-ERR [AUTH] wrong user", "smtp": "535 5.7.8 wrong user"}[protocol]
    for who in (f"bob@{DOMAIN}", f"nobody@{DOMAIN}"):
        since = len(site.log())
        assert login(site, protocol, PASSWORD, authzid=who).startswith(said)
        site.wait_log("reason=authzid", since)
        assert login(site, protocol, "x", authzid=who).startswith(wrong)
    assert login(site, protocol, PASSWORD, authzid=ALICE).startswith(RIGHT[protocol])


def test_list_and_revoke(site, phone):
    site.run("account", "app", "add", ALICE, "desk")
    rows = json.loads(site.run("account", "app", "list", ALICE, "--json").stdout)
    assert [(r["name"], r["scope"], r["expires"], r["scram"]) for r in rows] == [
        ("phone", "imap,smtp", "2099-01-31T23:59:59Z", True), ("desk", "imap,pop3,smtp", "never", True)]
    assert phone not in (site.path / "accounts" / DOMAIN / "alice.account").read_text()
    for bad in (["add", ALICE, "desk"], ["add", ALICE, "a/b"], ["add", ALICE, "x", "--scope", "ftp"], ["add", ALICE, "x", "--expires", "1999-01-01"],
                ["revoke", ALICE, "nothing"]):
        assert site.run("account", "app", *bad, ok=False).returncode == 1, bad
    with secure(site, "imaps") as c:
        c.begin()
        assert c.say(f'LOGIN {ALICE} "{phone}"')[-1].startswith("t OK")
        site.run("account", "app", "revoke", ALICE, "phone")
        assert c.line().startswith("* BYE")
    assert login(site, "imap", phone).startswith(WRONG["imap"])
    # the last use comes to the disk within a minute, or when authd leaves
    site.stop()
    assert "app phone" in (site.path / "accounts/seen.log").read_text()
    site.start()


def test_hash_taken_over(site):
    """Of another server's: good at once, and ours afterwards."""
    eve, file = f"eve@{DOMAIN}", site.path / "accounts" / DOMAIN / "eve.account"
    bcrypt = "{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
    assert site.run("account", "add", eve, "--hash", "{SSHA}kMbb0nXdFgUaRPMG3dCqtOPdBNY8Tjtr", ok=False).returncode == 1
    assert site.run("account", "add", eve, "--hash", bcrypt, "--generate", ok=False).returncode == 2
    assert site.run("account", "add", eve, "--hash", "-", text="\n", ok=False).returncode == 1
    site.run("account", "add", eve, "--hash", "-", text=bcrypt + "\n")
    assert "password $2y$04$" in file.read_text()
    assert login(site, "imap", "wrong", eve).startswith(WRONG["imap"])
    since = len(site.log())
    assert login(site, "imap", "correct horse", eve).startswith(RIGHT["imap"])
    site.wait_log("has a hash of ours now account=" + eve, since)
    assert "password $argon2id$" in file.read_text() and "scram-sha-256" in file.read_text()
    assert login(site, "pop3", "correct horse", eve).startswith(RIGHT["pop3"])


def test_only(site):
    bob = f"bob@{DOMAIN}"
    password = site.run("account", "app", "add", bob, "mail").stdout.strip()
    site.run("account", "app", "only", bob, "yes")
    since = len(site.log())
    assert login(site, "imap", PASSWORD, bob).startswith(WRONG["imap"])
    site.wait_log("reason=app-passwords-only", since)
    assert login(site, "imap", password, bob).startswith(RIGHT["imap"])
    shown = site.run("account", "show", bob).stdout
    assert shown.endswith("app      mail\nlogin    by app passwords only\n"), shown
    site.run("account", "passwd", bob, "--password-stdin", text="another one\n")  # keeps the salt: see test_auth_app
    site.run("account", "app", "only", bob, "no")
    assert login(site, "imap", "another one", bob).startswith(RIGHT["imap"])
    site.run("account", "app", "only", bob, "yes")
    assert "nobody can log in" in site.run("account", "app", "revoke", bob, "mail").stderr
    site.run("account", "app", "only", bob, "no")


def test_several_commands_at_once(site):
    """None undoes what another has done between its reading and its writing."""
    site.account("frida")
    frida = f"frida@{DOMAIN}"
    verbs = [["app", "add", frida, f"p{n}"] for n in range(8)] + [["quota", frida, "5G"], ["forward", frida, f"bob@{DOMAIN}"]]
    started = [subprocess.Popen([YUBIN, "-C", str(site.path), "account", *v], stdout=subprocess.PIPE, text=True) for v in verbs]
    said = [p.communicate(timeout=60)[0].strip() for p in started]
    assert [p.returncode for p in started] == [0] * len(verbs)
    shown = site.run("account", "show", frida).stdout
    assert shown.count("app      p") == 8 and "5G" in shown and f"forward  bob@{DOMAIN}" in shown, shown
    for password in said[:8]:
        assert login(site, "imap", password, frida).startswith(RIGHT["imap"])
