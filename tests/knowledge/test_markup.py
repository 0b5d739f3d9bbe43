"""Markdown and HTML → plain lines, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.knowledge.markup import plain


def shown(text: str) -> list[str]:
    return [f"{block.kind[0]}:{block.text}" for block in plain(text)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        (" \r\n\r\n\t", []),
        ("One\r\nline.\r\n\r\nAnother.", ["t:One line.", "t:Another."]),
        ("old\rMac", ["t:old Mac"]),
        ("## ERROR - 1\n\n###  Title \ntext", ["h:ERROR - 1", "h:Title", "t:text"]),
        ("#### #### Twice ##", ["h:Twice"]),
        ("A sentence. ## Error - 92001", ["t:A sentence.", "h:Error - 92001"]),
        ("* one\n  goes on\n* two\n\nafter", ["i:one goes on", "i:two", "t:after"]),
        ("- a\n+ b\n1. c\n2) d\n• e", ["i:a", "i:b", "i:c", "i:d", "i:e"]),
        ("**bold**, *leaning*, __both__ and `code`", ["t:bold, leaning, both and code"]),
        ("snake_case_name, 2 * 3 * 4, a*b", ["t:snake_case_name, 2 * 3 * 4, a*b"]),
        (r"\*not\* \_this\_", ["t:*not* _this_"]),
        ("[guide](/docs/x)", ["t:guide (https://www.twilio.com/docs/x)"]),
        ("[a\r\nb](https://example.com)", ["t:a b (https://example.com)"]),
        ("![alt](https://example.com/x.png)", ["t:alt (https://example.com/x.png)"]),
        ("[bad](javascript:alert(1))", ["t:[bad] (javascript:alert(1))"]),
        ("[bad](javascript:alert)", ["t:bad"]),
        ("[other](//example.com)", ["t:other"]),
        ("[here][x]\n\n[x]: /docs/y", ["t:here (https://www.twilio.com/docs/y)"]),
        ("[here][nowhere]", ["t:here"]),
        ("[https://a.example](https://a.example)", ["t:https://a.example"]),
        ('<a href="/docs/x" target=_blank>guide</a>', ["t:guide (https://www.twilio.com/docs/x)"]),
        ("<a>guide</a></a>", ["t:guide"]),
        ("<p>one<br/>line</p><ul><li>a</li><li>b</li></ul>", ["t:one line", "i:a", "i:b"]),
        ("<h2>Head</h2>text", ["h:Head", "t:text"]),
        ("<span style='x'>in</span> <b>bold</b>", ["t:in bold"]),
        ("a <Dial> or <your number>", ["t:a <Dial> or <your number>"]),
        ("&lt;Response&gt; &amp; more&nbsp;text &#27;[2J", ["t:<Response> & more text [2J"]),
        ("written `&lt;`", ["t:written &lt;"]),
        ("`a*b*c` and *d*", ["t:a*b*c and d"]),
        ("```\n<Response>\n  <Say/>\n```\nafter", ["t:<Response>", "t:<Say/>", "t:after"]),
        ("see:\n\n    one\n    two\n", ["t:see:", "t:one", "t:two"]),
        ("    * nested\n    * twice", ["i:nested", "i:twice"]),
        ("|a|b|\n|-|-|", ["t:|a|b|", "t:|-|-|"]),
        ("\x1b[31mred\x1b[0m", ["t:\x1b[31mred\x1b[0m"]),  # made visible where it is shown
    ],
)
def test_a_text_becomes_lines(text: str, lines: list[str]) -> None:
    assert shown(text) == lines


MARKS = st.sampled_from(
    [
        *(
            "*",
            "**",
            "_",
            "`",
            "```",
            "[",
            "]",
            "](",
            "(",
            ")",
            "!",
            "#",
            "## ",
            "* ",
            "1. ",
            "<",
            ">",
            "</",
            "<a href=",
        ),
        *(
            "br>",
            "<li>",
            "&",
            "&lt;",
            "&#",
            "x;",
            "9",
            "\\",
            "|",
            "\n",
            "\r\n",
            "    ",
            "\t",
            " ",
            "a",
            "/x",
            "http://x",
        ),
        "]: ",
    ]
)


@given(st.one_of(st.text(), st.lists(MARKS).map("".join)))
def test_any_text_becomes_lines_without_links(text: str) -> None:
    for block in plain(text):
        assert block.text
        assert block.text == " ".join(block.text.split())
        assert "](" not in block.text


@pytest.mark.parametrize("unit", ["* *a ", "<a href=", "[[a](", "![", "`", "__a", "**", "# \n", "&#1", "<", "[a]: x\n"])
def test_no_text_takes_long(unit: str) -> None:
    """It would take minutes if the time were not linear in the length."""
    plain((unit * 200_000)[:200_000])
