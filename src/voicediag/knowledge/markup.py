"""The Markdown and HTML of Twilio's dictionary → plain lines. Any text goes in; the time is linear in its length."""

from __future__ import annotations

import html
import re
from typing import Literal

from msgspec import Struct

SITE = "https://www.twilio.com"
"""What an address that begins with a slash belongs to."""


class Block(Struct, frozen=True):
    """A piece of a text on one line: a heading, an item of a list, or anything else."""

    kind: Literal["heading", "item", "text"]
    text: str


# Every repetition below is bounded, so that no text makes a search go back and forth over all of it.
_BREAKING = {"br": "\n", "p": "\n\n", "div": "\n\n", "ul": "\n", "ol": "\n", "li": "\n* ", "tr": "\n", "pre": "\n"}
_PLAIN = ("a", "b", "i", "u", "em", "strong", "span", "code", "table", "thead", "tbody", "td", "th", "img", "small")
# HTML only: `<Dial>`, `<your number>` and other verbs of TwiML are what the text is about.
_TAG = re.compile(rf"<(/?)({'|'.join((*_BREAKING, *_PLAIN))}|h[1-6])(\s[^<>]{{0,1000}})?/?>", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s{0,3}=\s{0,3}["']?([^\s"'<>]{1,500})""", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]\n]{1,100})\]: {0,3}(\S{1,500})[^\n]{0,200}$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\](?:\(\s{0,3}([^()\s]{0,500})[^()\n]{0,100}\)|\[([^\[\]\n]{0,100})\])")
_STRONG = re.compile(r"(?<!\\)(\*\*|__)(?=\S)([^\n]{1,300}?)(?<=[^\s\\])\1")
_EMPHASIS = re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]{1,300})(?<=[^\s\\])\*(?![\w*])")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>-])")
_INNER_HEADING = re.compile(r"(?<=\S) {1,5}(?=#{2,6} )")
_HEADING = re.compile(r"\s{0,3}#[# ]{0,20}(.*)")
_ITEM = re.compile(r"\s{0,20}(?:[*+•-]|\d{1,2}[.)])\s(.*)")


def _address(address: str) -> str | None:
    """Return the whole address; None for what is none of the web's."""
    if address.startswith("/") and not address.startswith("//"):
        return SITE + address
    return address if address.lower().startswith(("https://", "http://")) else None


def _linked(text: str, address: str | None) -> str:
    whole = _address(address or "")
    return text if whole is None or whole == text.strip() else f"{text} ({whole})"


def _without_tags(text: str) -> str:
    pending: list[str] = []  # the address of each link that is open

    def replace(tag: re.Match[str]) -> str:
        is_end, name = bool(tag[1]), tag[2].lower()
        if name == "a":
            if not is_end:
                found = _HREF.search(tag[3] or "")
                pending.append(found[1] if found else "")
                return ""
            return _linked("", pending.pop() if pending else None)
        if name[0] == "h":
            return "\n\n" if is_end else "\n\n## "
        return "" if name in _PLAIN or (is_end and name == "li") else _BREAKING[name]

    return _TAG.sub(replace, text)


def _without_links(text: str) -> str:
    targets = {found[1].lower(): found[2] for found in _DEFINITION.finditer(text)}

    def replace(link: re.Match[str]) -> str:
        if link[2] is not None:
            return _linked(link[1], link[2])
        return _linked(link[1], targets.get((link[3] or link[1]).lower()))

    return _LINK.sub(replace, _DEFINITION.sub("", text) if targets else text)


def _unmarked(text: str) -> str:
    text = _ESCAPED.sub(r"\1", _EMPHASIS.sub(r"\1", _STRONG.sub(r"\2", text)))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _line(text: str) -> str:
    """Return `text` on one line, without marks. Between backticks it stays as it is."""
    parts = text.split("`")
    last = len(parts) - 1
    text = "".join(part if number % 2 and number < last else _unmarked(part) for number, part in enumerate(parts))
    # What is left of a mangled link must not become one where the answer is shown as Markdown.
    return " ".join(text.replace("](", "] (").split())


def plain(text: str) -> list[Block]:
    """Return the blocks of `text`, none of them empty. Lines of code and rows of tables are blocks of their own."""
    blocks: list[Block] = []
    kind: Literal["item", "text"] = "text"
    parts: list[str] = []
    is_code = False

    def end() -> None:
        nonlocal kind
        line = _line("\n".join(parts))
        if line:
            blocks.append(Block(kind, line))
        parts.clear()
        kind = "text"

    source = _without_links(_without_tags(text.replace("\r\n", "\n").replace("\r", "\n")))
    for line in _INNER_HEADING.sub("\n", source).split("\n"):
        if line.lstrip().startswith("```"):
            end()
            is_code = not is_code
        elif is_code or line.startswith("|") or (kind == "text" and line.startswith(("    ", "\t"))):
            end()
            if (item := _ITEM.fullmatch(line)) is not None and not is_code:
                kind, line = "item", item[1]
            parts.append(line)
            if kind == "text":
                end()
        elif not line.strip():
            end()
        elif (heading := _HEADING.fullmatch(line)) is not None:
            end()
            if title := _line(heading[1].rstrip("# ")):
                blocks.append(Block("heading", title))
        elif (item := _ITEM.fullmatch(line)) is not None:
            end()
            kind = "item"
            parts.append(item[1])
        else:
            parts.append(line)
    end()
    return blocks
