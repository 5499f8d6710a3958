"""The table: every row in every way, many at a time, and what must be true of the server afterwards."""
import asyncio
import dataclasses
import re
import ssl

import rows_auth
import rows_ending
import rows_imap
import rows_mail
import rows_pop3
import rows_smtp
from row import judge
from talk import FAREWELL, WAYS, Broken, Talk

SOURCES = (rows_auth, rows_ending, rows_imap, rows_mail, rows_pop3, rows_smtp)
TOGETHER = 24
SHOWN = 15                      # failures that are told with their transcript


def rows():
    """All rows; a name that comes again gets a number."""
    seen = {}
    for source in SOURCES:
        for row in source.rows():
            n = seen[row.proto, row.name] = seen.get((row.proto, row.name), 0) + 1
            yield row if n == 1 else dataclasses.replace(row, name=f"{row.name} ({n})")


def chosen(rows, long):
    """Every fourth row for the short run."""
    return list(rows) if long else [row for i, row in enumerate(rows) if i % 4 == 0]


def ways(row, index, long):
    """Clear, and TLS: both forms, or by turns."""
    clear, *secure = WAYS[row.proto]
    return (clear, *(secure if long or len(secure) == 1 else [secure[index % len(secure)]]))


class Table:
    def __init__(self, world):
        self.world, self.faults, self.marks = world, [], {}
        self.room = asyncio.Semaphore(TOGETHER)
        self.boxes = asyncio.Queue()
        for i in range(8):
            self.boxes.put_nowait(f"pop{i}")

    async def one(self, row, way, mark):
        user = await self.boxes.get() if row.proto == "pop3" else "mallory"
        talk = Talk(self.world, row.proto, way)
        try:
            async with self.room:
                answer, ended = await talk.ask(row, mark, user)
            fault = judge(row, answer, FAREWELL[row.proto][1], ended)
        except (Broken, OSError, ssl.SSLError, asyncio.TimeoutError) as e:
            fault = f"{type(e).__name__}: {e}"
        finally:
            talk.close()
            if row.proto == "pop3":
                self.boxes.put_nowait(user)
        self.marks[mark] = (row, way)
        if fault:
            self.faults.append((row, way, fault, talk.transcript()))

    async def all(self, work):
        jobs = set()
        for row, way, mark in work:     # the payloads of all rows at once would be gigabytes
            if len(jobs) >= 2 * TOGETHER:
                _, jobs = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            jobs.add(asyncio.ensure_future(self.one(row, way, mark)))
        await asyncio.gather(*jobs)


def arrived(world):
    """Of each conversation's mark, how many messages came from it; what was smuggled has a mark of its own."""
    imap = world.imap("target")
    imap.select("INBOX")
    _, data = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (RETURN-PATH)])")
    imap.logout()
    counts = {}
    for item in data:
        m = re.match(rb"Return-Path: <([^@>]*)@", item[1]) if isinstance(item, tuple) else None
        if m:
            counts[m[1].decode()] = counts.get(m[1].decode(), 0) + 1
    return counts


def run(world, rows, long):
    work = [(row, way, f"r{i}{way[0][0]}") for i, row in enumerate(rows) for way in ways(row, i, long)]
    before = world.census()
    t = Table(world)
    asyncio.run(t.all(work))
    faults = [f"{row.proto} over {way[0]}: {row.name}: {fault}\n" for row, way, fault, _ in t.faults]
    told = "".join(f"{row.proto} over {way[0]}: {row.name} ({row.why}): {fault}\n{script}" for row, way, fault, script in t.faults[:SHOWN])
    counts = arrived(world)
    for mark, (row, way) in t.marks.items():
        if row.arrives is not None and counts.get(mark, 0) != row.arrives:
            faults.append(f"{row.proto} over {way[0]}: {row.name}: {counts.get(mark, 0)} messages arrived, not {row.arrives}\n")
    faults += [f"smuggled: {m}\n" for m in counts if m.startswith("smuggled")]
    faults += [f"the log holds a line that is none: {x[:200]!r}\n" for x in world.log_faults()[:5]]
    if world.census() != before:
        faults.append(f"processes were {before}, are {world.census()}\n")
    if faults:
        print(told + "".join(faults), end="")
    return f"{len(rows)} rows, {len(work)} conversations, {len(faults)} faults", len(faults)
