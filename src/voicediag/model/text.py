"""Text from outside (device names, host answers, logs, arguments) made safe to show."""

import re
import unicodedata
from collections.abc import Callable

# Control characters (C0, DEL, C1), line and paragraph separators, and the characters that reorder or hide text on
# a terminal: zero-width and bidirectional controls, the byte order mark, tag characters; and lone surrogates.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def _escape(character: str) -> str:
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def escape_hostile(text: str, escape: Callable[[str], str] = _escape, keep: str = "") -> str:
    """Return `text` with every hostile character but those in `keep` replaced by what `escape` makes of it."""
    return _HOSTILE.sub(lambda match: match.group() if match.group() in keep else escape(match.group()), text)


def visible(text: str, limit: int = 300) -> str:
    """Return `text` on one line with every character that could act on a terminal written as its escape.

    The result holds at most `limit` characters and at most 8 combining marks in a row; what was cut is shown as "…".
    """
    shown = escape_hostile(text[: limit + 1])
    if len(text) > limit or len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    if shown.isascii():
        return shown
    kept: list[str] = []
    marks = 0
    for character in shown:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= 8:
            kept.append(character)
    return "".join(kept)


def has_hostile(text: str) -> bool:
    """Tell whether `text` holds a character that `visible` would escape."""
    return _HOSTILE.search(text) is not None
