"""Mail from a Maildir and from mbox files comes in as it was: bytes, flags, keywords, dates, UIDs."""
import os
import re
import signal
import subprocess
import time

import pytest
from yubin import YUBIN, Site

VALIDITY = 1234567890


def message(n, size=40):
    return f"From: a@far.test\r\nSubject: number {n}\r\nMessage-ID: <{n}@far.test>\r\n\r\n".encode() + b"x" * size + b"\r\n"


def put(folder, name, body, when):
    for sub in ("cur", "new", "tmp"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(body)
    os.utime(path, (when, when))


@pytest.fixture
def site(tmp_path):
    s = Site(tmp_path / "site")
    s.start()
    yield s
    s.stop()


def fetch(site, mailbox, user="alice"):
    """UIDVALIDITY, and by UID: flags, date, bytes."""
    imap = site.imap(user)
    assert imap.select(f'"{mailbox}"', readonly=True)[0] == "OK"
    validity = int(imap.response("UIDVALIDITY")[1][0])
    out = {}
    ok, data = imap.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    assert ok == "OK"
    for part in data:
        if isinstance(part, tuple):
            head = part[0].decode()
            flags = set(re.search(r"FLAGS \(([^)]*)\)", head)[1].split()) - {"\\Recent"}
            out[int(re.search(r"UID (\d+)", head)[1])] = flags, re.search(r'INTERNALDATE "([^"]*)"', head)[1], part[1]
    imap.logout()
    return validity, out


def maildir(path):
    """As Dovecot leaves one."""
    put(path, "cur/1700000001.M1P1.far,S=100:2,S", message(1), 1700000001)
    put(path, "cur/1700000002.M1P1.far:2,FRSab", message(2).replace(b"\r\n", b"\n"), 1700000002)
    put(path, "new/1700000009.M1P1.far", message(9), 1700000009)
    (path / "dovecot-uidlist").write_text(f"3 V{VALIDITY} N40 Gaa\n7 :1700000001.M1P1.far,S=100\n12 W3 :1700000002.M1P1.far\n"
                                          "20 :1700000003.gone\n")
    (path / "dovecot-keywords").write_text("0 $Forwarded\n1 Work\n")
    put(path / ".Sent Items", "cur/1700000004.M1P1.far:2,S", message(4), 1700000004)
    put(path / ".Entw&APw-rfe.Alte", "cur/1700000005.M1P1.far:2,DS", message(5, 200000), 1700000005)
    put(path / ".Lists", "cur/1700000006.M1P1.far:2,T", message(6), 1700000006)
    (path / "subscriptions").write_text("V\t2\n\nSent Items\nEntw&APw-rfe\tAlte\n")
    return path


def test_maildir(site, tmp_path):
    r = site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "m")))
    assert "6 messages imported" in r.stdout and "Sent Items -> Sent" in r.stdout, r.stdout
    validity, inbox = fetch(site, "INBOX")
    assert validity == VALIDITY
    assert sorted(inbox) == [7, 12, 40]
    assert inbox[7][0] == {"\\Seen"} and inbox[7][2] == message(1)
    assert inbox[12][0] == {"\\Seen", "\\Flagged", "\\Answered", "$Forwarded", "Work"} and inbox[12][2] == message(2)
    assert inbox[40][0] == set() and inbox[40][2] == message(9)
    imap = site.imap()
    names = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in imap.list()[1]}
    assert {"Lists", "Entw&APw-rfe/Alte", "Sent"} <= names and "Sent Items" not in names
    subscribed = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in imap.lsub()[1]}
    assert "Entw&APw-rfe/Alte" in subscribed and "Lists" not in subscribed
    imap.logout()
    assert [v[2] for v in fetch(site, "Entw&APw-rfe/Alte")[1].values()] == [message(5, 200000)]
    assert [v[0] for v in fetch(site, "Lists")[1].values()] == [{"\\Deleted"}]
    stamp = time.mktime(time.strptime(inbox[7][1].strip()[:20], "%d-%b-%Y %H:%M:%S"))
    assert stamp == 1700000001


def test_again_makes_no_twins(site, tmp_path):
    source = maildir(tmp_path / "m")
    site.run("store", "import", "alice@here.test", str(source))
    before = fetch(site, "INBOX")
    r = site.run("store", "import", "alice@here.test", str(source))
    assert r.stdout.startswith("Sent Items -> Sent\n0 messages imported"), r.stdout
    assert "6 were there already" in r.stdout
    assert fetch(site, "INBOX") == before
    # the source goes on: what is new comes in, under its own UID where that is still free
    put(source, "cur/1700000050.M1P1.far:2,S", message(50), 1700000050)
    with open(source / "dovecot-uidlist", "a") as f:
        f.write("55 :1700000050.M1P1.far\n")
    assert "1 message imported" in site.run("store", "import", "alice@here.test", str(source)).stdout
    assert sorted(fetch(site, "INBOX")[1]) == [7, 12, 40, 55]


def test_twins_of_the_source_stay_twins(site, tmp_path):
    put(tmp_path / "m", "cur/1.a", message(1), 1700000001)
    put(tmp_path / "m", "cur/2.a", message(1), 1700000001)
    site.run("store", "import", "alice@here.test", str(tmp_path / "m"))
    site.run("store", "import", "alice@here.test", str(tmp_path / "m"))
    assert len(fetch(site, "INBOX")[1]) == 2


def test_dry_run_changes_nothing(site, tmp_path):
    r = site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "m")), "--dry-run")
    assert "6 messages would be imported" in r.stdout
    assert fetch(site, "INBOX")[1] == {}


def test_mail_that_was_there_stays(site, tmp_path):
    """Then the UIDs of the source can't be kept, and nobody's change."""
    imap = site.imap()
    imap.append("INBOX", None, None, message(100))
    imap.logout()
    before = fetch(site, "INBOX")
    site.run("store", "import", "alice@here.test", str(maildir(tmp_path / "m")), "--mailbox", "INBOX")
    validity, inbox = fetch(site, "INBOX")
    assert validity == before[0] and sorted(inbox) == [1, 2, 3, 4] and inbox[1] == before[1][1]


def import_as_a_plain_user(site, source):
    """Root may read everything, unless it gives that right away: then accounts/, which is authd's, has to be opened to it."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    subprocess.run(["chmod", "-R", "a+rX", str(site.path / "accounts")], check=True)
    return subprocess.run([*drop, YUBIN, "-C", str(site.path), "store", "import", "alice@here.test", str(source)],
                          capture_output=True, text=True, timeout=60)


def test_bad_messages_are_named(site, tmp_path):
    source = maildir(tmp_path / "m")
    os.symlink("/etc/passwd", source / "cur/1700000007.link:2,S")
    os.mkfifo(source / "cur/1700000008.pipe:2,S")
    r = site.run("store", "import", "alice@here.test", str(source), ok=False)
    assert r.returncode == 1
    assert "1700000007.link" in r.stderr and "1700000008.pipe" in r.stderr
    assert "6 messages imported" in r.stdout and "2 skipped" in r.stdout


@pytest.mark.parametrize("barred, said", [
    (".Lists", "/.Lists: can't be read"),
    (".Lists/cur", "Lists: can't read the folder cur"),
    (".Lists/new", "Lists: can't read the folder new"),
    (".Lists/dovecot-uidlist", "Lists: can't read dovecot-uidlist"),
    (".Lists/dovecot-keywords", "Lists: can't read dovecot-keywords"),
    (".Lists/cur/1700000006.M1P1.far:2,T", "Lists: cur/1700000006.M1P1.far:2,T"),
    ("Deep", "/Deep: can't be read"),
    ("Deep/er/cur", "Deep/er: can't read the folder cur"),
])
def test_what_may_not_be_read_is_named(site, tmp_path, barred, said):
    """The rest comes in all the same, and the same command brings what is missing once it may be read."""
    source = maildir(tmp_path / "m")
    (source / ".Lists/dovecot-uidlist").write_text("3 V77 N9\n7 :1700000006.M1P1.far\n")
    (source / ".Lists/dovecot-keywords").write_text("0 Work\n")
    put(source / "Deep/er", "cur/1700000008.M1P1.far:2,S", message(8), 1700000008)
    (source / barred).chmod(0)
    r = import_as_a_plain_user(site, source)
    assert r.returncode == 1 and f"{said}: Permission denied" in r.stderr, r.stdout + r.stderr
    assert "6 messages imported" in r.stdout and "1 skipped" in r.stdout, r.stdout
    one_file = "1700000006" in barred
    assert one_file or barred.split("/")[0].lstrip(".") not in mailboxes(site)
    (source / barred).chmod(0o700)
    r = import_as_a_plain_user(site, source)
    assert r.returncode == 0 and "1 message imported" in r.stdout and "6 were there already" in r.stdout, r.stdout + r.stderr
    # The mailbox has given UIDs up to the source's next one by then: RFC 9051 2.3.1.1.
    assert fetch(site, "Lists")[0] == 77 and {u: v[2] for u, v in fetch(site, "Lists")[1].items()} == {9 if one_file else 7: message(6)}
    assert [v[2] for v in fetch(site, "Deep/er")[1].values()] == [message(8)]


def test_mboxes_that_may_not_be_read_are_named(site, tmp_path):
    (tmp_path / "mail/deep").mkdir(parents=True)
    for n, file in enumerate(("one", "two", "deep/three"), 1):
        (tmp_path / "mail" / file).write_bytes(FROM % 1 + message(n))
    for barred in ("two", "deep"):
        (tmp_path / "mail" / barred).chmod(0)
        r = import_as_a_plain_user(site, tmp_path / "mail")
        assert r.returncode == 1 and f"mail/{barred}: can't be read: Permission denied" in r.stderr, r.stderr
        assert "1 skipped" in r.stdout
        (tmp_path / "mail" / barred).chmod(0o700)
    assert "3 were there already" in import_as_a_plain_user(site, tmp_path / "mail").stdout


def test_subscriptions_that_may_not_be_read(site, tmp_path):
    """Once a mailbox is made nobody could tell any more whether it was subscribed to: nothing is done."""
    source = maildir(tmp_path / "m")
    (source / "subscriptions").chmod(0)
    r = import_as_a_plain_user(site, source)
    assert r.returncode == 1 and "can't read the Maildir's list of subscriptions: Permission denied" in r.stderr, r.stderr
    assert "Lists" not in mailboxes(site)


@pytest.mark.parametrize("words, code, said", [
    (("nobody@here.test", "."), 1, "there is no account"),
    (("alice@here.test", "nowhere"), 1, "can't read nowhere"),
    (("alice@here.test",), 2, "needs an account and a path"),
    (("alice@here.test", ".", "--format", "pst"), 2, "--format is"),
])
def test_what_cannot_be(site, words, code, said):
    r = site.run("store", "import", *words, ok=False)
    assert r.returncode == code and said in r.stderr


FROM = b"From a@far.test Tue Nov 14 22:13:2%d 2023\n"


def test_mbox(site, tmp_path):
    file = tmp_path / "old"
    file.write_bytes(FROM % 1 + b"X-IMAPbase: 777 30 Work\nStatus: RO\nX-UID: 10\n" + message(1).replace(b"\r", b"") + b"\n"
                     + FROM % 2 + b"Status: O\nX-Status: AF\nX-Keywords: Work\nX-UID: 30\nSubject: two\n\n>From here\n\nFrom there\n\n"
                     + FROM % 3 + b"Subject: three\n\nno end")
    r = site.run("store", "import", "alice@here.test", str(file), "--mailbox", "Old/Mail")
    assert "3 messages imported" in r.stdout, r.stdout
    validity, mail = fetch(site, "Old/Mail")
    assert validity == 777 and sorted(mail) == [10, 30, 31]
    assert mail[10][0] == {"\\Seen"} and mail[10][2] == message(1)
    assert mail[30][0] == {"\\Answered", "\\Flagged", "Work"}
    assert mail[30][2] == b"Subject: two\r\n\r\nFrom here\r\n\r\nFrom there\r\n"
    assert mail[31][2] == b"Subject: three\r\n\r\nno end"
    assert "3 were there already" in site.run("store", "import", "alice@here.test", str(file), "--mailbox", "Old/Mail").stdout


def test_a_folder_of_mboxes(site, tmp_path):
    (tmp_path / "mail/Lists.sbd").mkdir(parents=True)
    (tmp_path / "mail/Inbox").write_bytes(FROM % 1 + message(1))
    (tmp_path / "mail/Gesendet").write_bytes(FROM % 1 + message(2))
    (tmp_path / "mail/Lists.sbd/dev").write_bytes(FROM % 1 + message(3) + b"\n" + FROM % 2 + message(4))
    (tmp_path / "mail/Inbox.msf").write_text("// no mail")
    r = site.run("store", "import", "alice@here.test", str(tmp_path / "mail"))
    assert "4 messages imported" in r.stdout and "Gesendet -> Sent" in r.stdout, r.stdout
    assert [v[2] for v in fetch(site, "Sent")[1].values()] == [message(2)]
    assert len(fetch(site, "Lists/dev")[1]) == 2


def test_without_a_server(tmp_path):
    """The command opens the store itself, under the store's user, and lets nobody else in meanwhile."""
    site = Site(tmp_path / "site")
    source = maildir(tmp_path / "m")
    r = site.run("store", "import", "alice@here.test", str(source))
    assert "6 messages imported" in r.stdout and "no server runs" in r.stderr
    assert "6 were there already" in site.run("store", "import", "alice@here.test", str(source)).stdout
    r = site.run("store", "export", "alice@here.test", str(tmp_path / "out"))
    assert "6 messages exported" in r.stdout
    owner = os.stat(site.path / "mail").st_uid
    assert {os.lstat(os.path.join(d, f)).st_uid for top in ("mail", "db") for d, ds, fs in os.walk(site.path / top) for f in ds + fs} == {owner}
    assert "no damage found" in site.run("store", "check").stdout
    site.start()
    validity, inbox = fetch(site, "INBOX")
    assert validity == VALIDITY and sorted(inbox) == [7, 12, 40]
    site.stop()


def test_the_server_waits_for_it(tmp_path):
    site = Site(tmp_path / "site")
    command = slow_import(site, many(tmp_path / "m", 3000))
    r = site.start(ok=False)
    assert r.returncode == 1 and "in use by another process" in r.stderr, r.stderr
    assert "3000 messages imported" in command.communicate(timeout=120)[0]
    site.start()
    assert in_inbox(site) == 3000
    site.stop()


def slow_import(site, source):
    """Begun: the first hundreds of messages are in."""
    command = subprocess.Popen([YUBIN, "-C", str(site.path), "store", "import", "alice@here.test", str(source)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    cur = site.path / "mail/here.test/alice"
    end = time.monotonic() + 60
    while sum(len(os.listdir(c)) for c in cur.glob("*/cur")) < 600 and time.monotonic() < end:
        time.sleep(0.005)
    return command


def many(path, count):
    for n in range(1, count + 1):
        put(path, f"cur/{1700000000 + n}.M{n}.far:2,S", message(n), 1700000000 + n)
    (path / "dovecot-uidlist").write_text(f"3 V{VALIDITY} N{2 * count + 1} Gaa\n"
                                          + "".join(f"{2 * n} :{1700000000 + n}.M{n}.far\n" for n in range(1, count + 1)))
    return path


def in_inbox(site):
    imap = site.imap()
    count = int(imap.select("INBOX", readonly=True)[1][0])
    imap.logout()
    return count


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return int(f.read().split()[0])


@pytest.mark.parametrize("victim", ["the command", "storaged", "yubind", "the command, no server", "its storaged"])
def test_killed_and_run_again(tmp_path, victim):
    """Whatever dies: what is in is whole, and the next run brings the rest, each message once. UIDs stay too, but for
    those that a storaged may have given before it died: it goes on behind them."""
    count = 3000
    source = many(tmp_path / "m", count)
    site = Site(tmp_path / "site")
    serves = victim in ("the command", "storaged", "yubind")
    if serves:
        site.start()
    import_ = slow_import(site, source)
    pids = {"storaged": lambda: site.pids("storaged")[0], "yubind": lambda: site.supervisor(), "its storaged": lambda: child_of(import_.pid)}
    os.kill(pids.get(victim, lambda: import_.pid)(), signal.SIGKILL)
    import_.communicate(timeout=120)
    assert import_.returncode != 0
    if victim in ("the command", "storaged"):
        assert 0 < in_inbox(site) < count
    for _ in range(600):  # until the dead one's locks are gone
        r = site.run("store", "import", "alice@here.test", str(source), ok=False)
        if r.returncode == 0:
            break
        time.sleep(0.1)
    assert r.returncode == 0 and "were there already" in r.stdout, r.stderr
    if not serves or victim == "yubind":
        assert "no damage found" in site.run("store", "check").stdout
        site.start()
    validity, inbox = fetch(site, "INBOX")
    assert validity == VALIDITY
    assert [body for _, (_, _, body) in sorted(inbox.items())] == [message(n) for n in range(1, count + 1)]
    assert all(flags == {"\\Seen"} for flags, _, _ in inbox.values())
    if victim in ("the command", "the command, no server"):
        assert sorted(inbox) == [2 * n for n in range(1, count + 1)]
    site.stop()


def test_quota(tmp_path):
    """A clear stop; a beginning of the source is in, and with more room the rest follows."""
    count = 400
    source = many(tmp_path / "m", count)
    site = Site(tmp_path / "site", settings={"storaged": ["QuotaMessages 250"]})
    site.start()
    r = site.run("store", "import", "alice@here.test", str(source), ok=False)
    assert r.returncode == 1 and "over its quota" in r.stderr and "run it again" in r.stderr, r.stderr
    inbox = fetch(site, "INBOX")[1]
    assert 0 < len(inbox) <= 250
    assert [body for _, (_, _, body) in sorted(inbox.items())] == [message(n) for n in range(1, len(inbox) + 1)]
    conf = site.path / "etc/storaged.conf"
    conf.write_text(conf.read_text().replace("QuotaMessages 250", "QuotaMessages 1000", 1))
    site.run("reload")
    assert "were there already" in site.run("store", "import", "alice@here.test", str(source)).stdout
    inbox = fetch(site, "INBOX")[1]
    assert [body for _, (_, _, body) in sorted(inbox.items())] == [message(n) for n in range(1, count + 1)]
    site.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")
def test_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "none", str(disk)], capture_output=True).returncode != 0:
        pytest.skip("no mount here")
    site = Site(disk / "site", settings={"storaged": ["MinFree 4M"]})
    site.start()
    try:
        for n in range(1, 1001):
            put(tmp_path / "m", f"cur/{1700000000 + n}.M{n}.far", message(n, 30000), 1700000000 + n)
        ballast = disk / "ballast"
        with open(ballast, "wb") as f:
            f.write(bytes(16 << 20))
        r = site.run("store", "import", "alice@here.test", str(tmp_path / "m"), ok=False)
        assert r.returncode == 1 and re.search("disk is full|No space left", r.stderr) and "run it again" in r.stderr, r.stderr
        before = in_inbox(site)
        assert 0 < before < 1000
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=128m", str(disk)], check=True)
        for _ in range(300):
            r = site.run("store", "import", "alice@here.test", str(tmp_path / "m"), ok=False)
            if r.returncode == 0:
                break
            time.sleep(0.2)
        inbox = fetch(site, "INBOX")[1]
        assert [body for _, (_, _, body) in sorted(inbox.items())] == [message(n, 30000) for n in range(1, 1001)]
    finally:
        site.stop()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_progress_on_a_terminal(site, tmp_path):
    source = many(tmp_path / "m", 12000)
    master, slave = os.openpty()
    command = subprocess.Popen([YUBIN, "-C", str(site.path), "store", "import", "alice@here.test", str(source)],
                               stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 4096):
            shown += piece
    except OSError:  # the end
        pass
    os.close(master)
    assert b"12000 messages imported" in command.communicate(timeout=120)[0]
    assert re.search(rb"INBOX: \d+ messages, \d+ MB, \d+ %, \d+ messages/s, \d+:\d\d left", shown), shown


# --- names ---------------------------------------------------------------------------------------

def mailboxes(site):
    imap = site.imap()
    names = {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in imap.list()[1]}
    imap.logout()
    return names


def test_names_are_composed(site, tmp_path):
    """RFC 9051 5.1: letters and accents that a Mac keeps apart. What then has one name is one mailbox, and that is said."""
    m = tmp_path / "m"
    put(m, "cur/1.a", message(1), 1700000001)
    for n, folder in enumerate((".Cafe\u0301", ".Caf&AOk-", ".Cafe&AwE-", ".A\u030angstro\u0308m.u\u0308ber", ".Envoye\u0301s", ".Inbox.x"), 2):
        put(m / folder, f"cur/{n}.a", message(n), 1700000000 + n)
    (m / "subscriptions").write_text("V\t2\n\nCafe&AwE-\n")
    r = site.run("store", "import", "alice@here.test", str(m))
    assert "7 messages imported" in r.stdout and "Envoy\u00e9s -> Sent" in r.stdout, r.stdout
    assert f"{m}/.Caf&AOk- and {m}/.Cafe&AwE- are put together: Caf\u00e9\n" in r.stdout, r.stdout
    assert r.stdout.count("put together") == 2
    assert [v[2] for v in fetch(site, "Caf&AOk-")[1].values()] == [message(3), message(4), message(2)]
    assert {"&AMU-ngstr&APY-m/&APw-ber", "INBOX/x", "Sent"} <= mailboxes(site)
    imap = site.imap()
    assert b"Caf&AOk-" in b"".join(imap.lsub()[1])
    imap.logout()
    r = site.run("store", "import", "alice@here.test", str(m))
    assert "0 messages imported" in r.stdout and "7 were there already" in r.stdout, r.stdout
    r = site.run("store", "import", "alice@here.test", str(m), "--mailbox", "Cafe\u0301")
    assert "3 were there already" in r.stdout, r.stdout


def test_folders_in_folders(site, tmp_path):
    """Dovecot's LAYOUT=fs."""
    m = tmp_path / "m"
    put(m, "cur/1.a", message(1), 1700000001)
    for n, folder in enumerate(("Sent Items", "Lists/dev", "Lists", "Entw&APw-rfe/Alte", ".Also.so"), 2):
        put(m / folder, f"cur/{n}.a", message(n), 1700000000 + n)
    (m / "sieve/tmp").mkdir(parents=True)
    (m / "loop").symlink_to(m)
    (m / "subscriptions").write_text("Lists/dev\n")
    r = site.run("store", "import", "alice@here.test", str(m))
    assert "6 messages imported" in r.stdout and "Sent Items -> Sent" in r.stdout, r.stdout + r.stderr
    assert {"Lists", "Lists/dev", "Entw&APw-rfe/Alte", "Also/so"} <= mailboxes(site) and "sieve" not in mailboxes(site)
    assert [v[2] for v in fetch(site, "Lists/dev")[1].values()] == [message(3)]


def test_from_courier(site, tmp_path):
    """Its lists of UIDs and of subscriptions."""
    m = tmp_path / "m"
    put(m, "cur/1700000001.M1P1.far:2,S", message(1), 1700000001)
    put(m, "cur/1700000002.M1P1.far:2,", message(2), 1700000002)
    (m / "courierimapuiddb").write_text(f"1 {VALIDITY} 30\n9 1700000002.M1P1.far\n21 1700000001.M1P1.far\n")
    put(m / ".Lists", "cur/3.a", message(3), 1700000003)
    put(m / ".Work", "cur/4.a", message(4), 1700000004)
    (m / "courierimapsubscribed").write_text("INBOX\nINBOX.Lists\n")
    site.run("store", "import", "alice@here.test", str(m))
    validity, inbox = fetch(site, "INBOX")
    assert validity == VALIDITY and {uid: v[2] for uid, v in inbox.items()} == {9: message(2), 21: message(1)}
    imap = site.imap()
    subscribed = b"".join(imap.lsub()[1])
    assert b"Lists" in subscribed and b"Work" not in subscribed
    imap.logout()


def test_names_of_mbox_files(site, tmp_path):
    (tmp_path / "mail/u\u0308ber.sbd").mkdir(parents=True)
    for n, file in enumerate(("Cafe\u0301", "Caf\u00e9", "u\u0308ber.sbd/Mu\u0308ll", "Inbox", "mbox"), 1):
        (tmp_path / "mail" / file).write_bytes(FROM % 1 + message(n))
    r = site.run("store", "import", "alice@here.test", str(tmp_path / "mail"))
    assert "5 messages imported" in r.stdout and r.stdout.count("are put together: ") == 2, r.stdout
    assert len(fetch(site, "Caf&AOk-")[1]) == 2 and len(fetch(site, "INBOX")[1]) == 2
    assert "&APw-ber/M&APw-ll" in mailboxes(site)
    site.run("store", "import", "alice@here.test", str(tmp_path / "mail/Inbox"), "--mailbox", "A\u0308rger")
    assert "&AMQ-rger" in mailboxes(site)


def test_names_that_cannot_be(site, tmp_path):
    """They are not passed over in silence."""
    m = maildir(tmp_path / "m")
    put(m / os.fsdecode(b".Entw\xfcrfe"), "cur/1.a", message(1), 1700000001)
    r = site.run("store", "import", "alice@here.test", str(m), ok=False)
    assert r.returncode == 1 and ".Entw\\xfcrfe: no mailbox can have that name" in r.stderr, r.stderr
    assert "6 messages imported" in r.stdout and "1 skipped" in r.stdout
