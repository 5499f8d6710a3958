"""Junk on our own sockets: each daemon as it would be met by a neighbour that a stranger has taken over.

A descriptor of a running daemon is borrowed (pidfd_getfd) and written to in its place. What breaks the rules costs its sender the
connection, never the receiver its life; yubind then hands out a fresh pair, and honest clients are served."""
import array
import contextlib
import ctypes
import os
import random
import select
import socket
import struct
import time

import crowd

SYS_PIDFD_GETFD = 438
CONTROL_FD = 3
MORE, CREDIT = 1, 2


def frame(kind, body=b"", flags=0, number=1, length=None):
    return struct.pack("<HHIQ", kind, flags, len(body) if length is None else length, number) + body


def records():
    """(what, the records to send, how many descriptors go along)."""
    for n in (1, 2, 8, 15):
        yield f"{n} bytes", [b"\1" * n], 0
    for what, length in (("too short", 4), ("too long", 6), ("2^31", 1 << 31), ("2^32-1", (1 << 32) - 1)):
        yield f"a length that is {what}", [frame(1, b"abcde", length=length)], 0
    for flags in (3, 4, 0x8000, 0xFFFF):
        yield f"flags {flags}", [frame(1, b"x", flags=flags)], 0
    for number in (0, 1, (1 << 63), (1 << 64) - 1):
        yield f"a credit of {number}", [frame(0, flags=CREDIT, number=number)], 0
        yield f"type 9999, number {number}", [frame(9999, b"x", number=number)], 0
    yield "a credit with a body", [frame(0, b"x", flags=CREDIT)], 0
    yield "part of a message that is not full", [frame(1, b"x", flags=MORE)], 0
    yield "parts of two messages mixed", [frame(1, b"x" * 65520, flags=MORE), frame(2, b"x")], 0
    yield "a message without an end", [frame(1, b"x" * 65520, flags=MORE)] * 40, 0
    yield "a message over the limit", [frame(1, b"x" * 65520, flags=MORE)] * 16 + [frame(1, b"x" * 65520)], 0
    yield "1,000 empty messages", [frame(9999, number=i) for i in range(1000)], 0
    for n in (1, 64, 65, 200, 253):
        yield f"{n} descriptors", [frame(9999)], n
        yield f"{n} descriptors with a part", [frame(1, b"x" * 65520, flags=MORE)], n
    noise = random.Random(5)
    for kind in [*range(0, 48), *range(60, 80), 128, 255, 256, 65535]:
        yield f"type {kind}, no body", [frame(kind)], 0
        yield f"type {kind}, ones", [frame(kind, b"\xff" * 200)], 1
        yield f"type {kind}, zeros", [frame(kind, bytes(64))], 0
        yield f"type {kind}, noise", [frame(kind, noise.randbytes(noise.randrange(1, 300)), number=noise.randrange(1 << 64))], 0
        yield f"type {kind}, 60 kB", [frame(kind, b"\x7f" * 60000)], 0


def borrow(pid, fd):
    """Another descriptor of the same open socket, or None."""
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        got = libc.syscall(SYS_PIDFD_GETFD, handle, fd, 0)
        os.close(handle)
        if got >= 0:
            try:
                s = socket.socket(fileno=got)
            except OSError:         # no socket
                os.close(got)
                return None
            if s.family == socket.AF_UNIX and s.type == socket.SOCK_SEQPACKET:
                return s
            s.close()
    return None


def ends(pid):
    """The descriptors by which a daemon speaks to its neighbours."""
    out = []
    try:
        fds = sorted(int(x) for x in os.listdir(f"/proc/{pid}/fd"))
    except OSError:             # it has just ended
        return out
    for fd in fds:
        s = borrow(pid, fd)
        if s is not None:
            s.close()
            out.append(fd)
    return out


def send(s, record, files):
    """False: the other end is gone."""
    null = [os.open("/dev/null", os.O_RDONLY) for _ in range(files)]
    try:
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", null))] if null else []
        s.sendmsg([record], extra, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return True
    except OSError:
        return False
    finally:
        for fd in null:
            os.close(fd)


def throw(pid, fd, parts, files):
    """One case. True: it reached a socket."""
    s = borrow(pid, fd)
    if s is None:
        return False
    with s:
        sent = 0
        for part in parts:
            sent += send(s, part, files)
        watch = select.poll()
        watch.register(s, 0)
        watch.poll(5)               # hung up, or not
    return sent > 0


def served(world, seconds=60):
    """Every protocol serves an honest client again. Gives the words of the last failure, or None."""
    end, why = time.monotonic() + seconds, None
    for name in crowd.PROTOCOLS:
        while True:
            try:
                crowd.honest(world, name)
                break
            except Exception as e:      # noqa: BLE001: smtplib, poplib and imaplib have a dozen
                why = f"{name}: {type(e).__name__}: {e}"
                if time.monotonic() > end:
                    return why
                time.sleep(0.05)
    return None


# Whose socket is written to, and who must live on: the daemons at the other ends.
SENDERS = [("imapd", ("storaged", "authd", "yubind")), ("smtpd", ("storaged", "authd", "yubind")), ("pop3d", ("storaged", "authd", "yubind")),
           ("deliverd", ("storaged", "authd", "yubind")), ("storaged", ("imapd", "smtpd", "pop3d", "deliverd", "authd", "yubind")),
           ("authd", ("imapd", "smtpd", "pop3d", "deliverd", "storaged", "yubind"))]


def pid_of(world, name, seconds=60):
    """Of the first of them. It may have ended over what was sent in its place: then there is a new one soon."""
    end = time.monotonic() + seconds
    while not (pids := world.census().get(name)):
        if time.monotonic() > end:
            raise RuntimeError(f"there is no {name} any more")
        time.sleep(0.02)
    return pids[0]


def attack(world, name, others, cases, faults):
    """All cases on each socket of that daemon but the one to yubind, which may end a child that breaks the rules."""
    before, done = world.census(), 0
    for index in range(len(ends(before[name][0]))):
        for what, parts, files in cases:
            pid = pid_of(world, name)
            now = [fd for fd in ends(pid) if fd != CONTROL_FD]
            if not now:
                time.sleep(0.05)
                continue
            done += throw(pid, now[index % len(now)], parts, files)
            after = world.census()
            hurt = [d for d in others if after.get(d) != before[d]]
            if hurt:
                faults.append(f"inside: {name}'s socket {index}: {what}: {', '.join(hurt)} did not live")
                before = after
        why = served(world)
        if why:
            faults.append(f"inside: {name}'s socket {index}: nobody is served afterwards: {why}")
    return done


def command_socket(world, cases, faults):
    """run/yubind.sock, where the yubin command speaks to yubind."""
    before, done = world.census(), 0
    for what, parts, files in cases:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(str(world.path / "run/yubind.sock"))
            done += sum(send(s, part, files) for part in parts) > 0
        if world.census() != before:
            faults.append(f"inside: yubind.sock: {what}: processes were {before}, are {world.census()}")
            before = world.census()
    if world.run("status", ok=False).returncode != 0:
        faults.append("inside: yubind.sock: status fails afterwards")
    return done


def run(world, long):
    faults, done = [], 0
    crowd.serve(world, 1)
    yubind = world.census()["yubind"][0]
    if not ends(yubind):
        return "not done: this user may not borrow descriptors (pidfd_getfd)", 0
    cases = list(records())
    done += command_socket(world, cases if long else cases[::4], faults)
    for i, (name, others) in enumerate(SENDERS):
        done += attack(world, name, others, cases if long else cases[i::16], faults)
    print("".join(f + "\n" for f in faults), end="")
    return f"{done} cases, {len(faults)} faults", len(faults)
