"""The formatting that the page finds in a text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.page_modules import evaluate

# Each part as a tag with what is in it.
SHOW = """cases.map((text) => {
    const show = (parts) => parts.map(({ type, text, parts }) =>
        type === "text" ? text : `<${type}>${parts ? show(parts) : text}</${type}>`).join("");
    return show(page.parse(text));
})"""

LEAVES = """cases.map((text) => {
    const leaves = ({ type, text, at, parts }) => parts?.flatMap(leaves) ?? [[type, text, at]];
    return page.parse(text).flatMap(leaves);
})"""


def show(*texts: str) -> list[str]:
    found: list[str] = evaluate("messages/formatting.js", SHOW, list(texts))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("**bold** and _italic_", "<bold>bold</bold> and <italic>italic</italic>"),
        ("**_both_**", "<bold><italic>both</italic></bold>"),
        ("say `x < **y**`", "say <code>x < **y**</code>"),
        ("snake_case_name and 2 ** 3 ** 4", "snake_case_name and 2 ** 3 ** 4"),
        ("** not bold ** _ nor this _", "** not bold ** _ nor this _"),
        ("**open", "**open"),
        ("你好**粗体**吗", "你好<bold>粗体</bold>吗"),
        ("see https://a.org/x_y_z?q=1.", "see <link>https://a.org/x_y_z?q=1</link>."),
        ("(https://a.org/w(iki)),", "(<link>https://a.org/w(iki)</link>),"),
        ("https://a.org。好", "<link>https://a.org</link>。好"),
        ("**https://a.org**", "<bold><link>https://a.org</link></bold>"),
        ("javascript:alert(1) http:// x", "javascript:alert(1) http:// x"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
)
def test_a_lines_formatting_is_found(text: str, expected: str) -> None:
    assert show(text) == [f"<lines>{expected}</lines>"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "<lines>a\nb</lines>"),
        ("> a\n> b\nc", "<quote>a\nb</quote><lines>c</lines>"),
        (
            "- a\n* **b**\nc",
            "<list><item>a</item><item><bold>b</bold></item></list><lines>c</lines>",
        ),
        ("2. a\n3) b", "<numbered><item>a</item><item>b</item></numbered>"),
        (
            "x\n```py\nif a:\n  b **c**\n```\ny",
            "<lines>x</lines><pre>if a:\n  b **c**</pre><lines>y</lines>",
        ),
        ("a ```b``` c", "<lines>a </lines><code>b</code><lines> c</lines>"),
        ("```", "<lines>```</lines>"),
        ("-5 degrees\n-", "<lines>-5 degrees\n-</lines>"),
    ],
)
def test_blocks_are_found(text: str, expected: str) -> None:
    assert show(text) == [expected]


texts = st.text(st.sampled_from("ab _*`>-1.\n)(h@字́") | st.characters(codec="utf-8"), max_size=60)
pieces = st.lists(
    texts | st.sampled_from(["```", "**", "https://a.org/", "\n> ", "\n- "]), max_size=8
)


@settings(max_examples=3)
@given(st.lists(pieces.map("".join), min_size=150, max_size=150))
def test_nothing_is_invented_and_only_signs_are_left_out(cases: list[str]) -> None:
    found: list[list[Any]] = evaluate("messages/formatting.js", LEAVES, cases)
    for text, leaves in zip(cases, found, strict=True):
        units = text.encode("utf-16-le")
        end = 0
        for kind, part, at in leaves:
            written = part.encode("utf-16-le")
            assert units[2 * at : 2 * at + len(written)] == written, (text, part)
            left_out = units[2 * end : 2 * at].decode("utf-16-le")
            assert at >= end, text
            if "`" not in left_out:
                assert not set(left_out) - set("*_>- \n0123456789.)"), (text, left_out)
            end = at + len(written) // 2
            if kind == "link":
                assert part.startswith(("http://", "https://"))


def test_the_longest_messages_cost_milliseconds_whatever_is_in_them() -> None:
    evil = [
        "**a " * 1000,
        "_a " * 1300,
        "`" * 4000,
        "```a" * 1000,
        "> " * 2000,
        "(" * 2000 + ")" * 2000,
    ]
    evil += ["https://a.org/" + ")" * 3980, "- a\n" * 1000, "**_" * 1300, "_**a" * 1000]
    started = time.monotonic()
    show(*(evil * 5))
    took = time.monotonic() - started
    print(f"{took:.2f} s for {5 * len(evil)}")
    assert took < 5
