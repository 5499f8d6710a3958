"""The one server that all rows are sent to, what must stay true of it, and its honest clients."""
import concurrent.futures
import contextlib
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from yubin import YUBIN, Site, free_ports     # noqa: E402,F401

SETTINGS = {
    # The crowd comes from many addresses of one machine, which are not exempt: limits by address must not hide it.
    "smtpd": ["MaxConnections 8000", "ConnectionsPerAddress 8000", "ConnectionsPerUser 8000"],
    "pop3d": ["MaxConnections 8000", "ConnectionsPerAddress 8000", "ConnectionsPerUser 8000"],
    "imapd": ["MaxConnections 8000", "ConnectionsPerAddress 8000", "ConnectionsPerUser 8000"],
    "authd": ["FailureDelay 0s", "HashMemory 8M", "HashPasses 1", "MessagesPerHour 0", "MessagesPerDay 0", "RecipientsPerHour 0", "RecipientsPerDay 0"],
    "storaged": ["MailboxLimit 20000", "MinFree 0"],
}
# Port for port: credentials in clear are refused elsewhere, and every row goes over a clear connection too.
LISTENS = {
    "submission-clear": ("smtpd", "explicit submission"), "lmtp": ("smtpd", "explicit lmtp"),
    "pop3-clear": ("pop3d", "explicit"), "imap-clear": ("imapd", "explicit"),
}


class World(Site):
    def __init__(self, path, slots=8):
        names = ["alice", "mallory", "target", "reader", "folders", *[f"pop{i}" for i in range(slots)]]
        super().__init__(path, accounts=names[:1], settings=SETTINGS)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self.account, names[1:]))
        self.ports = {name: self.port(name) for name in ("mx", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")}
        for (name, (daemon, words)), port in zip(LISTENS.items(), free_ports(len(LISTENS))):
            conf = self.path / "etc" / f"{daemon}.conf"
            conf.write_text(conf.read_text() + f"\nListen 127.0.0.1:{port} {words}\n    RequireTLS no\n"
                            + ("" if name == "lmtp" else "    AuthWithoutTLS PLAIN,LOGIN,USER,SCRAM-SHA-256\n"))
            self.ports[name] = port

    def seed(self):
        """What the rows for readers find: 20 messages of several kinds."""
        imap = self.imap("reader")
        for i in range(20):
            part = f"--b\r\nContent-Type: text/{'html' if i % 2 else 'plain'}; charset=utf-8\r\n\r\n<p>part {i} caf\u00e9</p>\r\n"
            text = (f"From: =?utf-8?q?S=C3=A9nder?= <s{i}@there.test>\r\nTo: reader@here.test\r\nSubject: message {i}\r\n"
                    f"Message-ID: <{i}@there.test>\r\nDate: Mon, {i + 1} Jan 2024 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                    f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{part * (1 + i % 4)}--b--\r\n")
            imap.append("INBOX", None, None, text.encode())
        imap.logout()

    def census(self):
        """The processes: name -> pids. A row may end none of them."""
        yubind = self.supervisor()
        out = {"yubind": [yubind]}
        for pid in pathlib.Path(f"/proc/{yubind}/task/{yubind}/children").read_text().split():
            with contextlib.suppress(OSError):      # it has just ended
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                out.setdefault(name, []).append(int(pid))
        return {name: sorted(pids) for name, pids in sorted(out.items())}

    def pss(self):
        """Memory of all processes, shared pages divided, in bytes."""
        total = 0
        for pid in [p for pids in self.census().values() for p in pids]:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"(?m)^Pss:\s+(\d+)", text)[1]) * 1024
        return total

    def log_faults(self):
        """Lines of the log that no daemon of ours wrote as one: what a peer sent has broken out."""
        data = (self.path / "log/yubin.log").read_bytes()
        form = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (error|warn|info|debug) [a-z0-9]+(\[\d+\])? [\x20-\x7e\x80-\xff]*")
        return [x for x in data.split(b"\n")[:-1] if not form.fullmatch(x) or x.startswith(b"1999-")]
