"""The yubin command: init, start, stop, reload, accounts; what outsiders script against."""
import imaplib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from yubin import DOMAIN, PASSWORD, TOP, YUBIN, Site, free_base


def yubin(*args, **kw):
    return subprocess.run([YUBIN, *args], capture_output=True, text=True, timeout=60, stdin=kw.pop("stdin", subprocess.DEVNULL), **kw)


def test_usage(tmp_path):
    assert yubin().returncode == 2
    assert yubin("frob").returncode == 2
    assert yubin("--help").returncode == 0
    assert yubin("-C", str(tmp_path / "none"), "start").returncode == 1
    assert yubin("-C", str(tmp_path / "none"), "status").returncode in (1, 3)
    assert yubin("-C", str(tmp_path / "x"), "init").returncode == 2


def test_init_makes_a_whole_site_and_touches_none(tmp_path):
    base, _reserved = free_base()
    argv = ("-C", str(tmp_path / "s"), "init", "--hostname", "mail.here.test", "--domain", DOMAIN, "--port-base", str(base))
    assert yubin(*argv).returncode == 0
    for name in ("yubin", "smtpd", "pop3d", "imapd", "authd", "storaged"):
        assert (tmp_path / f"s/etc/{name}.conf").stat().st_size > 200
    tls = tmp_path / "s/etc/tls"
    for name in ("ca.pem", "ca.key", "server.pem", "server.key", "server-rsa.pem", "server-rsa.key"):
        assert (tls / name).exists()
        if name.endswith(".key"):
            assert (tls / name).stat().st_mode & 0o077 == 0
    text = subprocess.run(["openssl", "x509", "-in", str(tls / "server.pem"), "-noout", "-text"], capture_output=True, text=True).stdout
    for name in ("DNS:mail.here.test", "DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "prime256v1"):
        assert name in text
    verify = subprocess.run(["openssl", "verify", "-CAfile", str(tls / "ca.pem"), str(tls / "server.pem"), str(tls / "server-rsa.pem")], capture_output=True)
    assert verify.returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file()}
    again = yubin(*argv)
    assert again.returncode == 1 and again.stderr
    assert before == {p: p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file()}


def test_etc_in_the_repository_is_what_init_writes(tmp_path):
    site = tmp_path / "s"
    assert yubin("-C", str(site), "init", "--hostname", "mail.example.org", "--domain", "example.org").returncode == 0
    for name in ("yubin", "smtpd", "pop3d", "imapd", "authd", "storaged"):
        assert (TOP / "etc" / f"{name}.conf").read_text() == (site / f"etc/{name}.conf").read_text(), name


def test_start_stop_status(make_site):
    site = make_site(start=False)
    assert site.run("status", ok=False).returncode == 3
    site.start()
    assert site.run("start", ok=False).returncode == 1
    status = site.status()
    assert status["running"] is True and {d["name"] for d in status["daemons"]} >= {"smtpd", "pop3d", "imapd", "storaged", "authd"}
    supervisor = site.supervisor()
    assert site.stop().returncode == 0
    assert site.run("status", ok=False).returncode == 3
    assert not any(site_process(site))
    # a stale pid file and socket are no obstacle
    (site.path / "run/yubind.pid").write_text(f"{supervisor}\n")
    site.start()


def site_process(site):
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(p / "exe").endswith("/yubind") and str(site.path) in (p / "cmdline").read_text():
                yield p
        except OSError:
            pass


def test_start_holds_nothing_inherited(make_site):
    """start returns although somebody waits for the end of its output."""
    site = make_site(start=False)
    p = subprocess.Popen([YUBIN, "-C", str(site.path), "start"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    p.communicate(timeout=60)
    assert p.returncode == 0


def test_a_port_that_is_taken(make_site):
    site = make_site(start=False)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", site.port("imaps")))
        s.listen()
        r = site.start(ok=False)
    assert r.returncode == 1 and str(site.port("imaps")) in r.stderr
    assert not any(site_process(site))
    site.start()


BROKEN = [("smtpd", "Frobnicate yes", "Frobnicate"), ("imapd", "SecureLayOption 64", "SecureLayOption"), ("imapd", "SecureLayOption 1f", "SecureLayOption"),
          ("imapd", "SecureLayOption -1", "SecureLayOption"), ("imapd", "SecureLayOption 60", "SecureLayOption"), ("pop3d", "IdleTime soon", "IdleTime"),
          ("smtpd", "RequireTLS maybe", "RequireTLS"), ("smtpd", "MessageLimit 1", "MessageLimit"), ("yubin", "Hostname a\nHostname b", "Hostname"),
          ("imapd", "CipherList NONSENSE", "CipherList"), ("imapd", "Certificate tls/none.pem\nPrivateKey tls/none.key", "none.pem"),
          ("imapd", "Listen nowhere implicit", "Listen"), ("imapd", "Listen 127.0.0.1:99999 implicit", "Listen"), ("imapd", "Listen 127.0.0.1:1 implicit mx", "Listen")]


@pytest.mark.parametrize("name,line,word", BROKEN, ids=[f"{a}:{b.splitlines()[0]}" for a, b, _ in BROKEN])
def test_a_typo_is_named_and_a_running_server_keeps_its_configuration(site, name, line, word):
    conf = site.path / f"etc/{name}.conf"
    good = conf.read_text()
    try:
        conf.write_text(line + "\n" + good)
        check = site.run("config", "check", ok=False)
        assert check.returncode == 1 and word in check.stderr + check.stdout and f"{name}.conf:" in check.stderr + check.stdout
        reload = site.run("reload", ok=False)
        assert reload.returncode == 1 and word in reload.stderr + reload.stdout
        site.imap().logout()
    finally:
        conf.write_text(good)
    assert site.run("config", "check").returncode == 0


def test_reload_puts_policy_in_force_for_new_sessions_only(make_site):
    site = make_site()
    old = site.imap()
    site.set("imapd", ["SecureLayOption 31"])
    pids = site.pids("imapd")
    site.run("reload")
    assert old.noop()[0] == "OK"
    new = imaplib.IMAP4_SSL("localhost", site.port("imaps"), ssl_context=site.tls)
    assert new.sock.version() == "TLSv1.3"
    import ssl
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        imaplib.IMAP4_SSL("localhost", site.port("imaps"), ssl_context=context)
    assert "SecureLayOption in imapd.conf" in site.wait_log("TLS failed: (")
    assert site.pids("imapd") == pids
    new.logout()
    old.logout()


def test_reload_with_another_port_starts_new_processes_and_keeps_old_sessions(make_site):
    site = make_site()
    old = site.imap()
    extra = free_base()[0] + 7
    with (site.path / "etc/imapd.conf").open("a") as f:
        f.write(f"Listen 127.0.0.1:{extra} implicit\n")
    site.run("reload")
    assert old.noop()[0] == "OK"
    imaplib.IMAP4_SSL("localhost", extra, ssl_context=site.tls).logout()
    site.imap().logout()
    old.logout()


def test_accounts(site):
    run = site.run
    assert run("account", "add", "x@nowhere.test", "--generate", ok=False).returncode == 1
    password = run("account", "add", f"dave@{DOMAIN}", "--generate").stdout
    assert password.endswith("\n") and len(password.split()) == 1
    assert run("account", "add", f"dave@{DOMAIN}", "--generate", ok=False).returncode == 1
    imap = site.imap("dave", password.strip())
    names = [a["address"] for a in json.loads(run("account", "list", "--json").stdout)]
    assert f"dave@{DOMAIN}" in names
    run("account", "passwd", f"dave@{DOMAIN}", "--password-stdin", text="another one\n")
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        for _ in range(3000):
            imap.noop()
            time.sleep(0.02)
    with pytest.raises(imaplib.IMAP4.error):
        site.imap("dave", password.strip())
    imap = site.imap("dave", "another one")
    run("account", "disable", f"dave@{DOMAIN}")
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        for _ in range(3000):
            imap.noop()
            time.sleep(0.02)
    with pytest.raises(imaplib.IMAP4.error):
        site.imap("dave", "another one")
    run("account", "enable", f"dave@{DOMAIN}")
    site.imap("dave", "another one").logout()
    run("account", "remove", f"dave@{DOMAIN}")
    with pytest.raises(imaplib.IMAP4.error):
        site.imap("dave", "another one")
    assert run("account", "show", f"dave@{DOMAIN}", ok=False).returncode == 1
    assert run("account", "frob", f"dave@{DOMAIN}", ok=False).returncode == 2


def test_accounts_while_the_server_does_not_run(make_site):
    site = make_site(start=False)
    site.account("late", "some password")
    site.run("alias", "add", f"alias@{DOMAIN}", f"late@{DOMAIN}")
    site.start()
    site.deliver("alias")
    imap = site.imap("late", "some password")
    assert imap.select("INBOX")[1] == [b"1"]
    imap.logout()


@pytest.mark.parametrize("daemon", ["storaged", "authd", "smtpd", "imapd", "pop3d"])
def test_restart_of_one_daemon_leaves_the_others_sessions_alone(site, daemon):
    smtp = site.submit()
    imap = site.imap()
    imap.select("INBOX")
    site.run("restart", daemon)
    if daemon != "imapd":
        assert imap.noop()[0] == "OK" and imap.status("INBOX", "(MESSAGES)")[0] == "OK"
    if daemon != "smtpd":
        smtp.sendmail(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], "From: alice@here.test\r\n\r\nafter\r\n")
    site.imap().logout()


@pytest.mark.parametrize("daemon", ["storaged", "authd", "smtpd", "imapd", "pop3d"])
def test_a_killed_daemon_comes_back_and_waiting_clients_are_served(site, daemon):
    """A client that waits for an answer when storaged or authd dies gets it, a moment later."""
    smtp = site.submit()
    for pid in site.pids(daemon):
        os.kill(pid, signal.SIGKILL)
    if daemon in ("storaged", "authd"):
        smtp.sendmail(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], "From: alice@here.test\r\n\r\nthrough\r\n")
        smtp.quit()
    end = time.monotonic() + 60
    while True:
        try:
            site.imap("bob").logout()
            site.pop("bob").quit()
            site.submit().quit()
            break
        except Exception:  # noqa: BLE001 - whatever the client makes of a daemon that is away
            assert time.monotonic() < end
            time.sleep(0.1)


def test_if_yubind_dies_its_daemons_leave(make_site):
    site = make_site()
    pids = [p for d in ("storaged", "authd", "smtpd", "imapd", "pop3d") for p in site.pids(d)]
    assert len(pids) >= 5
    os.kill(site.supervisor(), signal.SIGKILL)
    end = time.monotonic() + 60
    while any(running(p) for p in pids):
        assert time.monotonic() < end
        time.sleep(0.05)
    site.start()
    site.imap().logout()


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_without_the_index_all_is_as_before(make_site):
    """CONTRACT: stop, delete db/, start."""
    site = make_site()
    imap = site.imap()
    imap.create("Work")
    imap.subscribe("Work")
    imap.unsubscribe("Junk")
    for i in range(5):
        imap.append("Work", "(\\Flagged kw%d)" % i if i % 2 else None, '"17-Jul-1996 02:44:25 -0700"', b"Subject: %d\r\n\r\nx\r\n" % i)
    imap.select("Work")
    imap.store("2", "+FLAGS", "\\Deleted")
    imap.expunge()
    site.deliver("alice")

    def state():
        c = site.imap()
        out = [sorted(c.list()[1]), sorted(c.lsub()[1])]
        for box in ("Work", "INBOX"):
            c.select(box, readonly=True)
            out.append(c.response("UIDVALIDITY")[1])
            out.append(c.uid("FETCH", "1:*", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")[1])
        c.logout()
        pop = site.pop()
        out.append(pop.uidl()[1])
        pop.close()
        return [strip_recent(x) for x in out]

    imap.logout()
    before = state()
    site.stop()
    shutil.rmtree(site.path / "db")
    site.start()
    assert state() == before


def strip_recent(x):
    return [strip_recent(y) for y in x] if isinstance(x, list) else x.replace(b"\\Recent", b"").replace(b" )", b")").replace(b"( ", b"(") if isinstance(x, bytes) else x


def test_idle_connections_to_the_control_socket_keep_nobody_out(make_site):
    site = make_site()
    idle = []
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(str(site.path / "run/yubind.sock"))
        idle.append(s)
    assert site.status()["running"] is True
    assert site.stop().returncode == 0


def test_xmail_switches(make_site):
    site = make_site(start=False)
    site.run("start", "--", "-I-")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", site.port("imaps")), timeout=2)
    socket.create_connection(("127.0.0.1", site.port("pop3s"))).close()
    site.stop()
    site.set("yubin", ["EnableSMTP-TLS no", "Flags \"-B-\""])
    site.start()
    with site.raw("mx") as c:
        c.line()
        assert not any("STARTTLS" in x for x in c.replies("EHLO c"))
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", site.port("pop3s")), timeout=2)


def test_enable_ssl_and_tls_off(make_site):
    site = make_site(settings={"imapd": ["EnableSSL no", "EnableTLS no"]})
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", site.port("imaps")), timeout=2)
    with site.raw("imap") as c:
        c.line()
        capability = c.tagged("CAPABILITY")[0]
        assert "STARTTLS" not in capability and "LOGINDISABLED" in capability
        assert "PRIVACYREQUIRED" in c.tagged(f"LOGIN alice@{DOMAIN} x")[-1]
    check = site.run("config", "check")
    assert "RequireTLS" in check.stderr + check.stdout and "AuthWithoutTLS" in check.stderr + check.stdout


def test_auth_without_tls(make_site):
    site = make_site(settings={"imapd": ["RequireTLS no", "AuthWithoutTLS PLAIN,LOGIN"]})
    with site.raw("imap") as c:
        c.line()
        assert c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK")


def test_config_show(site):
    rows = json.loads(site.run("config", "show", "--json", "imapd").stdout)
    text = site.run("config", "show", "--all", "imapd").stdout
    assert "SecureLayOption" in text and "15" in text and rows


def test_log_verb(site):
    site.imap().logout()
    assert "ICID" in site.run("log").stdout


def test_status_names_are_stable(site):
    for d in site.status()["daemons"]:
        assert {"name", "worker", "pid", "state", "uptime_s", "sandbox", "restarts"} <= set(d), d


def test_a_site_below_a_folder_that_only_root_may_enter(tmp_path):
    """As in /root: daemons reach their folders through what they inherited."""
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    site = Site(hidden / "site")
    site.start()
    try:
        site.deliver("alice")
        imap = site.imap()
        assert imap.select("INBOX")[1] == [b"1"]
        imap.logout()
    finally:
        site.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_without_root(tmp_path_factory):
    """A user without privileges runs a site of their own."""
    folder = pathlib.Path(f"/var/tmp/yubin-nobody-{os.getpid()}")
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    copy = folder / "bin"
    top = pathlib.Path(YUBIN).resolve().parent
    shutil.copytree(top / "build", copy / "build", ignore=lambda d, names: [n for n in names if (pathlib.Path(d) / n).is_dir()])
    shutil.copy(top / "yubin", copy / "yubin")
    base, _reserved = free_base()
    run = lambda *a: subprocess.run([str(copy / "yubin"), "-C", str(folder / "s"), *a], capture_output=True, text=True, user=65534, group=65534,  # noqa: E731
                                    extra_groups=[], stdin=subprocess.DEVNULL, timeout=60, cwd="/")
    try:
        for argv in (("init", "--hostname", "localhost", "--domain", DOMAIN, "--port-base", str(base)), ("start",), ("account", "add", f"a@{DOMAIN}", "--generate")):
            r = run(*argv)
            assert r.returncode == 0, (argv, r.stdout, r.stderr)
        assert "seccomp=on" in run("status").stdout
        import ssl
        tls = ssl.create_default_context(cafile=str(folder / "s/etc/tls/ca.pem"))
        imap = imaplib.IMAP4_SSL("localhost", base + 993, ssl_context=tls)
        imap.login(f"a@{DOMAIN}", r.stdout.strip())
        imap.logout()
    finally:
        run("stop")
        shutil.rmtree(folder)
