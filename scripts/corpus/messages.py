"""Mail as Python's library writes it, mailboxes, and texts and data of several kinds and character sets."""

import email.policy
import json
import mailbox
import sqlite3
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from markers import Document


def message(document: Document) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Anna <anna@example.org>"
    mail["To"] = "jan@example.org"
    mail["Subject"] = "Zażółć " + document.place("subject")
    mail["X-Project"] = document.place("header field")
    mail.set_content("Gęślą jaźń " + document.place("body"), cte="quoted-printable")
    mail.add_alternative(f"<p>{document.place('markup')}</p>", subtype="html", cte="base64")
    mail.add_attachment(document.place("attachment"), filename="plain.txt", cte="base64")
    mail.add_attachment(document.place("wide attachment").encode("utf-16"), maintype="text", subtype="plain", filename="b")
    inner = EmailMessage()
    inner["Subject"] = document.place("inner subject")
    inner.set_content(document.place("inner body"))
    mail.add_attachment(inner)
    return mail


def mails(folder: Path) -> Iterator[Document]:
    for name, policy in (("crlf", email.policy.SMTP), ("lf", email.policy.default)):
        document = Document(folder / f"mail-{name}.eml")
        document.path.write_bytes(message(document).as_bytes(policy=policy))
        yield document
    document = Document(folder / "mailbox.mbox")
    box = mailbox.mbox(document.path)
    for _ in range(3):
        box.add(message(document))
    box.flush()
    yield document


CHARSETS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1250", "iso8859-2", "cp852", "utf-7")


def texts(folder: Path) -> Iterator[Document]:
    for charset in CHARSETS:
        document = Document(folder / f"text-{charset}.txt")
        text = "Zażółć gęślą jaźń, pchnąć w tę łódź jeża lub ośm skrzyń fig.\n" * 5 + document.place("text") + "\n"
        document.path.write_bytes(text.encode(charset))
        yield document
    document = Document(folder / "table.csv")
    document.path.write_text(f"name;pesel\nAnna;{document.place('cell')}\n")
    yield document
    document = Document(folder / "data.json")
    document.path.write_text(json.dumps({"ł": [document.place("value"), {"deep": document.place("deep value")}]}))
    yield document
    document = Document(folder / "page.html")
    document.path.write_text(
        f"<html><head><meta name=a content='{document.place('attribute')}'></head><!-- {document.place('comment')} -->"
        f"<body><p>{document.place('text').replace('PESEL 5', 'PESEL <b>5</b>')}</p><script>x='{document.place('script')}'"
        "</script></body></html>"
    )
    yield document


def database(folder: Path) -> Iterator[Document]:
    for charset in ("UTF-8", "UTF-16le", "UTF-16be"):
        document = Document(folder / f"data-{charset}.db")
        base = sqlite3.connect(document.path)
        base.execute(f"PRAGMA encoding='{charset}'")
        base.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, note TEXT)")
        base.execute("CREATE INDEX notes ON people (note)")
        base.executemany("INSERT INTO people (note) VALUES (?)", [("x" * 40,)] * 500)
        base.execute("INSERT INTO people (note) VALUES (?)", (document.place("row"),))
        base.execute("INSERT INTO people (note) VALUES (?)", ("long " * 4000 + document.place("long row"),))
        deleted = "Marker" + "Deleted"
        base.execute("INSERT INTO people (note) VALUES (?)", (f"{deleted} text that goes",))
        base.commit()
        base.execute("PRAGMA secure_delete=OFF")
        base.execute("DELETE FROM people WHERE note LIKE ?", (f"{deleted}%",))
        base.commit()
        base.close()
        document.places["deleted row"] = deleted
        yield document


def all_documents(folder: Path) -> Iterator[Document]:
    yield from mails(folder)
    yield from texts(folder)
    yield from database(folder)
