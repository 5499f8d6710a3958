#!/usr/bin/env python3
"""far.py PORT LEDGER - another server that may be killed at any time: what it took stands in LEDGER before its 250.

A recipient that begins with `refuse` is nobody (550), one that begins with `later` is told to come again, every other time."""
import re
import socketserver
import sys
import threading
import time

ledger = open(sys.argv[2], "a", buffering=1)
lock = threading.Lock()
asked = {}


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def rcpt(self, line):
        who = re.search(rb"<([^>]*)>", line).group(1).decode()
        with lock:
            asked[who] = asked.get(who, 0) + 1
        if who.startswith("refuse"):
            return self.say("550 5.1.1 nobody of that name")
        if who.startswith("later") and asked[who] % 2 == 1:
            return self.say("450 4.2.0 come again")
        self.rcpts.append(who)
        return self.say("250 2.1.5 ok")

    def data(self):
        if not self.rcpts:
            return self.say("503 5.5.1 nobody to send it to")
        self.say("354 go on")
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return None
            text += line[1:] if line.startswith(b".") else line
        ident = re.search(rb"X-Ledger: (\S+)", text)
        with lock:
            for who in self.rcpts:
                ledger.write(f"{ident.group(1).decode() if ident else '?'} {who} {time.time():.3f} {len(text)}\n")
        return self.say("250 2.0.0 taken")

    def handle(self):
        self.rcpts = []
        try:
            self.say("220 far.test ESMTP")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    self.say("250-far.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES")
                elif verb == b"RCPT":
                    self.rcpt(line)
                elif verb == b"DATA":
                    self.data()
                    self.rcpts = []
                elif verb == b"QUIT":
                    return self.say("221 2.0.0 bye")
                else:
                    if verb in (b"MAIL", b"RSET"):
                        self.rcpts = []
                    self.say("250 2.0.0 ok")
        except OSError:
            pass
        return None


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
