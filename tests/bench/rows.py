"""The rows of the table: what is measured, and what is asked of it."""
MORE, LESS = True, False

# row: text, unit, is more better, at least so many times the peer (None: nothing is asked), at most so much (None)
ROWS = {
    "delivered": ("accepted and delivered durably, 4 kB, 8 connections", "msg/s", MORE, 6, None),
    "cpu": ("CPU of the server for each of them", "ms", LESS, 8, None),
    "oneper": ("one connection for each message, STARTTLS, 8 at a time", "msg/s", MORE, 10, None),
    "onepercpu": ("CPU of the server for each of them", "ms", LESS, None, None),
    "onemore": ("the same, TLS resumed", "msg/s", MORE, 10, None),
    "onemorecpu": ("CPU of the server for each of them", "ms", LESS, None, None),
    "visible": ("visible in another client's IDLE after the 250", "ms", LESS, None, 2),
    "sent": ("sent to another server from a durable queue, 4 kB", "msg/s", MORE, None, None),
    "sentcpu": ("CPU of the server for each of them", "ms", LESS, None, None),
    "login": ("IMAPS connect, login, logout, 4 at a time, credentials cached; stock", "login/s", MORE, 8, None),
    "logincpu": ("CPU of the server for each of them", "ms", LESS, None, None),
    "relogin": ("the same, TLS resumed", "login/s", MORE, 20, None),
    "relogincpu": ("CPU of the server for each of them", "ms", LESS, None, None),
    "login_tuned": ("IMAPS login beside Dovecot's tuned mode", "login/s", MORE, 2, None),
    "logincpu_tuned": ("CPU of the server for each of them", "ms", LESS, None, None),
    "relogin_tuned": ("the same, TLS resumed", "login/s", MORE, 4, None),
    "relogincpu_tuned": ("CPU of the server for each of them", "ms", LESS, None, None),
    "handshakes": ("full TLS 1.3 handshakes (P-256) and the greeting, IMAPS, 8 at a time", "shake/s", MORE, None, None),
    "tlscpu": ("the same for a second of the server's CPU", "shake/s", MORE, None, None),
    "resumed": ("of connections that bring a ticket, resumed", "%", MORE, None, None),
    "idle": ("an idle TLS IMAP connection with 10,000 messages selected", "kB PSS", LESS, None, 32),
    "select": ("SELECT of 100,000, first", "ms", LESS, 20, None),
    "reselect": ("SELECT of 100,000, again", "ms", LESS, 1, None),
    "warm_box10k": ("FETCH (FLAGS UID RFC822.SIZE ENVELOPE) of 10,000, warm", "ms", LESS, 6, None),
    "cold_box10k": ("the same, page cache dropped, Dovecot's cache file without envelopes", "ms", LESS, 15, None),
    "files_box10k": ("the same, page cache dropped, Dovecot's cache file full", "ms", LESS, None, None),
    "warm_box100k": ("FETCH of 100,000, warm", "ms", LESS, 6, None),
    "cold_box100k": ("the same, page cache dropped, Dovecot's cache file without envelopes", "ms", LESS, 15, None),
    "files_box100k": ("the same, page cache dropped, Dovecot's cache file full", "ms", LESS, None, None),
    "store": ("STORE one by one, durable (Dovecot: mail_fsync=always)", "cmd/s", MORE, 10, None),
    "storelazy": ("STORE one by one, Dovecot as it comes (not durable)", "cmd/s", MORE, None, None),
    "append": ("APPEND 4 kB, 8 connections", "msg/s", MORE, 2, None),
    "subject": ("SEARCH SUBJECT in 10,000", "ms", LESS, 5, None),
    "body": ("SEARCH BODY in 10,000", "ms", LESS, 5, None),
    "copy": ("COPY of 5,000", "msg/s", MORE, 1, None),
    "move": ("MOVE of 5,000", "msg/s", MORE, 2, None),
    "expunge": ("EXPUNGE of 5,000", "msg/s", MORE, 1.5, None),
    "stream": ("BODY.PEEK[] of 1,000 x 20 kB, plain", "MB/s", MORE, 1, None),
    "streamtls": ("the same, TLS", "MB/s", MORE, 2, None),
    "retr": ("POP3 RETR of 1,000 x 20 kB, one by one, plain", "msg/s", MORE, 2, None),
    "retrtls": ("the same, TLS", "msg/s", MORE, 2, None),
    "rest": ("all processes at rest", "MB PSS", LESS, None, 20),
    "start": ("start until all ports answer", "s", LESS, None, None),
}


def judged(row, yubin, ratio):
    """What is asked, and whether it is so."""
    _, unit, _, times, most = ROWS[row]
    if times is not None:
        return f"{times:g} times", "" if ratio is None else "met" if ratio >= times else "missed"
    if most is not None:
        return f"{most:g} {unit.split()[0]}", "" if yubin is None else "met" if yubin <= most else "missed"
    return "", ""


def number(value):
    return "" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def print_table(medians):
    form = "{:<72} {:>8} {:>10} {:>10} {:>8}  {:<9} {}"
    print(form.format("", "unit", "Yubin", "Postfix+", "times", "asked", ""))
    print(form.format("", "", "", "Dovecot", "better", "", "").rstrip())
    for row in (r for r in ROWS if r in medians):
        text, unit, more, _, _ = ROWS[row]
        yubin, peer = medians[row].get("yubin"), medians[row].get("peer")
        ratio = (yubin / peer if more else peer / yubin) if yubin and peer else None
        print(form.format(text, unit, number(yubin), number(peer), "" if ratio is None else f"{ratio:.1f}", *judged(row, yubin, ratio)).rstrip())
        if "bare" in medians[row]:
            print(form.format("  a bare accept loop of OpenSSL", unit, number(medians[row]["bare"]), "", "", "", "").rstrip())
