"""Makes a running process do a system call, from inside it (ptrace; x86-64, root).

The process's own filters judge the call: this is the real daemon with its real sandbox."""
import ctypes
import os
import platform
import re
import signal

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
PEEK, POKE, CONT, STEP, GETREGS, SETREGS, ATTACH, DETACH = 1, 4, 7, 9, 12, 13, 16, 17
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
NR = {"open": 2, "openat": 257, "socket": 41, "connect": 42, "execve": 59, "fork": 57, "mkdir": 83, "unlink": 87, "ptrace": 101,
      "setuid": 105, "bind": 49, "kill": 62, "getpid": 39, "mprotect": 10}


class Regs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in NAMES]


class Died(Exception):
    """The call killed the process."""


def supported():
    return platform.machine() == "x86_64" and os.getuid() == 0


def call(request, pid, addr=None, data=None):
    r = libc.ptrace(request, pid, addr, data)
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return r


def syscall_place(pid):
    """Where the bytes of the instruction stand in the process's code."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r-xp .*libc", line)
            if m:
                start, end = (int(x, 16) for x in m.groups())
                mem.seek(start)
                at = mem.read(end - start).find(b"\x0f\x05")
                if at >= 0:
                    return start + at
    raise RuntimeError("no system call instruction found")


def inject(pid, name, *args):
    """The result of the call, negative errno for a failure; Died if the process is gone. Byte strings are put on its stack."""
    place = syscall_place(pid)
    call(ATTACH, pid)
    os.waitpid(pid, 0)
    saved = Regs()
    call(GETREGS, pid, None, ctypes.byref(saved))
    try:
        top = (saved.rsp - 4096) & ~15
        values = []
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
            for a in args:
                if isinstance(a, bytes):
                    top -= (len(a) + 16) & ~15
                    mem.seek(top)
                    mem.write(a + b"\0")
                    a = top
                values.append(a)
        regs = Regs.from_buffer_copy(saved)
        regs.rax, regs.orig_rax, regs.rip, regs.rsp = NR[name], ctypes.c_ulonglong(-1).value, place, top & ~15
        for reg, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values + [0] * 6):
            setattr(regs, reg, value)
        call(SETREGS, pid, None, ctypes.byref(regs))
        call(STEP, pid)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            raise Died(signal.Signals(os.WTERMSIG(status)).name)
        call(GETREGS, pid, None, ctypes.byref(regs))
        if os.WSTOPSIG(status) == signal.SIGSYS:
            raise Died("SIGSYS")
        return ctypes.c_longlong(regs.rax).value
    finally:
        try:
            call(SETREGS, pid, None, ctypes.byref(saved))
            call(DETACH, pid)
        except OSError:
            pass
