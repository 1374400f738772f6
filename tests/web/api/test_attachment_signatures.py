"""An attachment is the file that the upload hook was asked about, in its room, and no other."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings
from web.api.attachments import NewAttachment, NewUpload, attached, issued
from web.http.problem import Problem

OWN = Settings(secret="s" * 32)
URL = "https://files.example/1"
texts = st.text(max_size=20)


def code(room: str, one: NewAttachment) -> str:
    try:
        attached(OWN, room, [one])
    except Problem as problem:
        return problem.code
    return ""


@given(texts, texts, st.integers(0, 2**53), texts)
def test_what_was_asked_for_comes_with_the_message(
    name: str, kind: str, size: int, end: str
) -> None:
    upload, url = NewUpload(name=name, type=kind, size=size), URL + end
    signature = issued(OWN, "tea", url, upload)
    said = NewAttachment(url=url, signature=signature, name=name, type=kind, size=size)
    for one in (said, NewAttachment(url=url, signature=signature)):
        [found] = attached(OWN, "tea", [one])
        assert (found.url, found.name, found.type, found.size) == (url, name, kind, size)


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://evil.example/1"},
        {"name": "2.png"},
        {"type": "text/html"},
        {"size": 4},
        {"signature": ""},
        {"signature": "é" * 64},
        {"signature": "\ud800"},
        {"signature": "." + "0" * 64},
    ],
)
def test_anything_else_is_refused(changed: dict[str, object]) -> None:
    upload = NewUpload(name="1.png", type="image/png", size=3)
    signature = issued(OWN, "tea", URL, upload)
    given_ = {"url": URL, "signature": signature, "name": "1.png", "type": "image/png", "size": 3}
    assert code("tea", NewAttachment(**given_)) == ""  # type: ignore[arg-type]
    assert code("coffee", NewAttachment(**given_)) == "attachment_unknown"  # type: ignore[arg-type]
    assert code("tea", NewAttachment(**given_ | changed)) == "attachment_unknown"  # type: ignore[arg-type]


@given(st.data())
def test_no_part_of_a_signature_can_be_exchanged(data: st.DataObject) -> None:
    files = [NewUpload(name=f"{number}.png", size=number) for number in range(2)]
    signatures = [issued(OWN, "tea", f"{URL}{number}", file) for number, file in enumerate(files)]
    asked, digests = zip(*(one.split(".") for one in signatures), strict=True)
    first, second = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    place = data.draw(st.integers(0, 1))
    mixed = NewAttachment(url=f"{URL}{place}", signature=f"{asked[first]}.{digests[second]}")
    assert (code("tea", mixed) == "") == (first == second == place)


def test_a_signature_of_an_earlier_release_still_counts() -> None:
    before = hmac.digest(OWN.secret.encode(), f"upload/tea/{URL}".encode(), "sha256").hex()
    one = NewAttachment(url=URL, signature=before, name="1.png")
    assert attached(OWN, "tea", [one])[0].name == "1.png"


def test_a_signature_cannot_be_taken_for_one_of_an_earlier_release() -> None:
    """Which said nothing of name and type."""
    asked, digest = issued(OWN, "tea", URL, NewUpload(name="1.png")).split(".")
    for url in (URL, f"{URL}\n{asked}", f"{URL}.{asked}"):
        one = NewAttachment(url=url, signature=digest, name="1.exe")
        assert code("tea", one) == "attachment_unknown"
