"""What a daemon may not do, tried from inside each one that runs."""
import errno
import os
import pathlib
import socket
import struct
import time

import pytest
from inject import Died, inject, supported

pytestmark = pytest.mark.skipif(not supported(), reason="needs root on x86-64 to work inside another process")
NET = ["smtpd", "pop3d", "imapd"]
ALL = NET + ["storaged", "authd"]
REFUSED = (-errno.EPERM, -errno.EACCES, -errno.ENOSYS)


@pytest.mark.parametrize("daemon", ALL)
def test_the_way_in_works(site, daemon):
    """The control: a harmless call succeeds, so that a refusal below means something."""
    pid = site.pids(daemon)[0]
    assert inject(pid, "getpid") == pid


@pytest.mark.parametrize("daemon", NET)
@pytest.mark.parametrize("path", [b"/etc/passwd", b"/", b"etc/tls/server.key", b"."])
def test_network_daemons_open_nothing(site, daemon, path):
    pid = site.pids(daemon)[0]
    assert inject(pid, "open", path, os.O_RDONLY) in REFUSED
    assert inject(pid, "openat", -100, path, os.O_RDONLY) in REFUSED
    assert inject(pid, "mkdir", b"/tmp/yubin-test", 0o700) in REFUSED


@pytest.mark.parametrize("daemon", ALL)
def test_nobody_connects_or_binds(site, daemon):
    pid = site.pids(daemon)[0]
    fd = inject(pid, "socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    assert fd in REFUSED
    address = struct.pack("<H", socket.AF_INET) + struct.pack(">H", 9) + socket.inet_aton("127.0.0.1") + bytes(8)
    assert inject(pid, "connect", 0, address, 16) < 0


@pytest.mark.parametrize("daemon", ["storaged", "authd"])
def test_file_daemons_stay_in_their_folders(site, daemon):
    pid = site.pids(daemon)[0]
    for path in (b"/etc/passwd", b"/root", b"/etc/shadow", b"/proc/1/environ"):
        assert inject(pid, "open", path, os.O_RDONLY) in REFUSED
    assert inject(pid, "open", b"/tmp/yubin-test", os.O_CREAT | os.O_WRONLY, 0o600) in REFUSED


@pytest.mark.parametrize("daemon", ALL)
@pytest.mark.parametrize("name,args", [("execve", (b"/bin/true", 0, 0)), ("fork", ()), ("ptrace", (16, 1, 0, 0)), ("setuid", (0,))])
def test_exec_fork_ptrace(site, daemon, name, args):
    """Refused, or the end of the process: then it is started again and serves."""
    pid = site.pids(daemon)[0]
    try:
        assert inject(pid, name, *args) in REFUSED
    except (Died, OSError):
        end = time.monotonic() + 60
        while pathlib.Path(f"/proc/{pid}").exists() and pid in site.pids(daemon):
            assert time.monotonic() < end
            time.sleep(0.05)
        site.wait_log(f"{daemon}")
        while not site.pids(daemon):
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.3)


def test_keys_of_others_are_not_in_a_daemon(site):
    """No daemon has a folder or a file open that is not its own."""
    for daemon in NET:
        for pid in site.pids(daemon):
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                target = os.readlink(fd)
                assert target.startswith(("socket:", "anon_inode:", "pipe:", "/dev/null", "/memfd:")), (daemon, target)


def test_users_are_dropped(site):
    for daemon in ALL:
        for pid in site.pids(daemon):
            uids = [line.split()[1:] for line in open(f"/proc/{pid}/status") if line.startswith(("Uid", "Gid"))]
            assert all("0" not in u for u in uids), (daemon, uids)
            assert os.stat(f"/proc/{pid}").st_uid == 0 or daemon  # not dumpable: /proc belongs to root


def test_status_says_what_is_in_force(site):
    text = site.run("status").stdout
    for word in ("landlock", "seccomp"):
        assert text.count(word) >= len(ALL), text
