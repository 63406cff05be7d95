from __future__ import annotations

from collections.abc import Iterator

import pytest
from document_files import eml
from outlook_files import msg

from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError

DATE = "Fri, 01 Mar 2024 12:00:00 +0100"


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


def test_subject_people_date_and_body_survive(parser: FileParser) -> None:
    message = eml(
        plain="Hello,\n\nsee the report.\n", Subject="Bericht für März", From="Änne Müller <anne@example.com>",
        To="bob@example.com", Date=DATE,
    )  # fmt: skip
    parsed = parser.parse(bytes(message), name="a.eml")
    assert parsed.text == (
        "Subject: Bericht für März\nFrom: Änne Müller <anne@example.com>\nTo: bob@example.com\n"
        f"Date: {DATE}\n\nHello,\n\nsee the report."
    )
    assert (parsed.title, parsed.metadata["date"]) == ("Bericht für März", DATE)


def test_the_plain_body_is_preferred(parser: FileParser) -> None:
    message = eml(plain="plain words", html="<p>html words</p>", Subject="S")
    assert parser.parse(bytes(message), name="a.eml").text == "Subject: S\n\nplain words"


def test_a_body_of_html_alone_is_read_as_a_page(parser: FileParser) -> None:
    message = eml(html="<style>x</style><p>a</p><table><tr><th>h<th>i<tr><td>1<td>2</table>", Subject="S")
    text = parser.parse(bytes(message), name="a.eml").text
    assert text == "Subject: S\n\na\n\n| h | i |\n| --- | --- |\n| 1 | 2 |"


def test_attachments_are_named_and_not_read(parser: FileParser) -> None:
    message = eml(plain="see attached", Subject="S")
    message.add_attachment(b"secret words", maintype="application", subtype="pdf", filename="bericht ä.pdf")
    message.add_attachment(eml(plain="x", Subject="Forwarded"))
    parsed = parser.parse(bytes(message), name="a.eml")
    assert "secret" not in parsed.text
    names = [attachment["name"] for attachment in parsed.metadata["attachments"]]
    assert names == ["bericht ä.pdf", "Forwarded"]


def test_a_body_in_a_legacy_encoding_is_decoded(parser: FileParser) -> None:
    message = eml(Subject="S")
    message.set_content("Größe über alles", charset="iso-8859-1")
    assert parser.parse(bytes(message), name="a.eml").text.endswith("Größe über alles")


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: S\nContent-Type: multipart/mixed; boundary=x\n\nno parts",
        b"Subject: S\nContent-Type: text/plain; charset=nonsense\n\nbody",
        b"Subject: S\nFrom: <<>>,,@\nTo: a@b@c\nDate: soon\n\nbody",
        b"Subject: S\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Subject: =?utf-8?b?!!?=\n\nbody",
        b"Subject: a\xff\xfe\n\nbody \xff",
    ],
)
def test_a_malformed_message_is_read_as_far_as_it_goes(parser: FileParser, content: bytes) -> None:
    assert parser.parse(content, name="a.eml").text.startswith("Subject: ")


def test_text_without_headers_is_no_mail(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match="is not an e-mail"):
        parser.parse(b"Dear all,\n\nthis is just text.\n", name="a.eml")


def test_an_outlook_message_keeps_subject_sender_and_body(parser: FileParser) -> None:
    content = msg(subject="Bericht für März", sender="Änne Müller", body="Hello,\r\n\r\nR&D <costs>\r\n")
    parsed = parser.parse(content, name="a.msg")
    assert parsed.text == "From: Änne Müller\nSubject: Bericht für März\n\nHello,\n\nR&D <costs>"
    assert (parsed.title, parsed.metadata["from"]) == ("Bericht für März", "Änne Müller")


def test_a_damaged_outlook_message_is_unreadable(parser: FileParser) -> None:
    with pytest.raises(UnreadableError):
        parser.parse(msg(subject="S", sender="A", body="B" * 5000)[:1500], name="a.msg")
