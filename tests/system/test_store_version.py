"""A store command meets a server that was started from another build: it says so in plain words, and touches nothing."""
import array
import contextlib
import os
import socket
import struct
import subprocess
import threading

import pytest
from yubin import DOMAIN, YUBIN, Site

ALICE = f"alice@{DOMAIN}"
ORDER_DONE, ANSWER = 3, 64


def frame(kind, number, body):
    return struct.pack("<HHIQ", kind, 0, len(body), number) + body


def serve(listener, answer):
    """yubind and storaged in one: a token for the order, and `answer` to the first request (None: the connection ends)."""
    order, _ = listener.accept()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with order, ours:
        order.recv(65536)
        token = b"00" * 60
        order.sendmsg([frame(ORDER_DONE, 0, bytes([0, len(token)]) + token)],
                      [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))])
        theirs.close()
        request = ours.recv(65536)
        if answer is None:
            return
        ours.send(frame(ANSWER, struct.unpack("<HHIQ", request[:16])[3], answer))
        while ours.recv(65536):
            pass


@pytest.mark.parametrize("why,answer,words", [
    ("older than versions", b"\0\0", "of another version than this yubin: do yubin restart"),
    ("newer", b"\0\0\x7fmore", "of another version than this yubin: do yubin restart"),
    ("it takes the first request for nonsense", None, "do yubin restart if it is of another version"),
], ids=lambda v: v if isinstance(v, str) and len(v) < 40 else "")
def test_another_version(tmp_path, why, answer, words):
    site = Site(tmp_path / "s", accounts=("alice",))
    run = site.path / "run"
    run.mkdir(exist_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as listener:
        here = os.open(run, os.O_PATH)
        listener.bind(f"/proc/self/fd/{here}/yubind.sock")
        os.close(here)
        listener.listen(1)
        server = threading.Thread(target=serve, args=(listener, answer))
        server.start()
        r = subprocess.run([YUBIN, "-C", str(site.path), "store", "export", ALICE, str(tmp_path / "out")],
                           capture_output=True, text=True, timeout=30)
        server.join(10)
    assert r.returncode == 1
    assert words in r.stderr and "damaged" not in r.stderr, r.stderr
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
