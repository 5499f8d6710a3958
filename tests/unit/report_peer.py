"""Reads a report as a mail program does: report_peer.py FILE prints what test_report.c looks for."""
import email
import email.policy
import sys

with open(sys.argv[1], "rb") as f:
    raw = f.read()
m = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
assert b"\n" not in raw.replace(b"\r\n", b""), "a bare LF"
assert all(len(line) <= 998 for line in raw.split(b"\r\n")), "a long line"
assert m.get_content_type() == "multipart/report", m.get_content_type()
text, status, original = m.iter_parts()
for part in m.walk():
    assert not part.defects, part.defects
assert m["Auto-Submitted"] == "auto-replied" and m["Date"].datetime and m["Message-ID"]
print("subject", m["Subject"])
print("from", m["From"].addresses[0].addr_spec, "to", m["To"])
print("report-type", m.get_param("report-type"))
print("in-reply-to", m["In-Reply-To"])
print("text", text.get_content_type(), text.get_content_charset())
print("status", status.get_content_type())
if status.get_content_type() == "message/delivery-status":
    groups = status.get_payload()
else:
    groups = [email.message_from_string(g, policy=email.policy.SMTPUTF8)
              for g in status.get_payload(0).as_bytes().decode().strip().split("\r\n\r\n")]
for group in groups:
    for name, value in group.items():
        print("field", name + ":", value)
print("original", original.get_content_type())
print("body", "yes" if b"the whole body" in raw else "no")
sys.stdout.flush()
