"""Explanation → text: plain for a terminal, JSON for programs, Markdown for a ticket or a wiki."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec import UNSET

from voicediag.model.explanation import Basis, Explanation, Log, Match, Reading, Source
from voicediag.model.text import visible

Bold = Callable[[str], str]

_BASIS: dict[Basis, str] = {"documented": "", "sdk-source": " [read in the SDK's source]", "inferred": " [inferred]"}
_KINDS = {
    "code": "Twilio code",
    "warning": "Voice SDK warning",
    "class": "Voice SDK class",
    "exception": "browser exception",
    "sip": "SIP status",
    "portaudio": "PortAudio error",
    "tag": "Voice Insights tag",
    "symptom": "symptom",
    "finding": "voicediag finding",
}
_NONE_DOCUMENTED = "No cause is documented."
_CLOSE = 0.5
"""An answer to a question in words is shown in full beside the best from this share of the best one's score."""
_MOST_IN_FULL = 2


def to_json(explanation: Explanation) -> str:
    """Return the document of the contract, indented. Characters that act on a terminal are escaped."""
    return json.dumps(msgspec.to_builtins(explanation), indent=2)


def label(match: Match) -> str:
    """Return what a match is called: its code, or its name."""
    return str(match.code) if match.kind == "code" or match.name is None else match.name


def causes(reading: Reading) -> list[str]:
    """Return the causes, each with its basis where it is not documented."""
    return [cause + _BASIS[basis] for cause, basis in zip(reading.causes, reading.cause_bases, strict=True)]


def _facts(match: Match) -> str:
    name = match.name if match.kind == "code" else None
    kind = _origin(match.readings[0]) if match.kind == "dictionary" else _KINDS[match.kind]
    score = f"score {match.score:.2f}" if match.score < 1 else None
    return " · ".join(fact for fact in (kind, name, match.product, match.severity, score) if fact)


def _by_closeness(explanation: Explanation) -> tuple[Sequence[Match], Sequence[Match]]:
    """Return the answers to be shown in full, and those to be named: of a search, the best and what comes close."""
    matches = explanation.matches
    asked = sum(match.score == 1 for match in matches)  # for its name or code
    found = matches[asked:]
    close = sum(match.score >= _CLOSE * found[0].score for match in found[:_MOST_IN_FULL])
    return matches[: asked + close], matches[asked + close :]


def _count(match: Match) -> str | None:
    if match.count is UNSET:
        return None
    times = "once" if match.count == 1 else f"{match.count} times"
    where = f"line {match.first_line}" if match.count == 1 else f"lines {match.first_line} to {match.last_line}"
    return f"{times}, {where}"


def _origin(reading: Reading) -> str:
    return f"{reading.source}, {reading.date}" if reading.date else reading.source


def _source(source: Source, room: int = 1000) -> str:
    address = source.address
    if len(address) > room:
        address = address.removeprefix("https://").removeprefix("www.")
    return f"{source.title}{', ' + source.date if source.date else ''}: {address}"


def _names(names: Iterable[int | str]) -> str:
    return ", ".join(map(str, names))


# --- plain text


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    # Only an address can be longer than a line; a terminal would break it at the same place.
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _bullets(items: Sequence[str], width: int) -> str:
    return "\n".join(_wrapped(item, width, "  - ", "    ") for item in items)


def _steps(items: Sequence[str], width: int) -> str:
    return "\n".join(_wrapped(item, width, f"{number:>3}. ", "     ") for number, item in enumerate(items, 1))


def _reading_parts(reading: Reading, kind: str, fixes: Sequence[str], bold: Bold, width: int) -> Iterator[str]:
    yield "\n".join(_wrapped(line, width) for line in reading.summary.split("\n"))
    if reading.sdk is not None:
        yield _wrapped(f"Holds for: {reading.sdk}", width)
    told = [_wrapped(reading.tell_apart, width, "  ", "  ")] if reading.tell_apart is not None else []
    why = causes(reading) or ([_NONE_DOCUMENTED] if kind == "code" else [])
    if why:
        told.append(_bullets(why, width))
    if told:
        yield "\n".join((bold("Is this you?"), *told))
    if fixes:
        yield "\n".join((bold("Fix"), _steps(fixes, width)))


def _match_parts(match: Match, bold: Bold, width: int) -> Iterator[str]:
    heading = [bold(_wrapped(f"{label(match)}  {match.title}", width)), _wrapped(_facts(match), width)]
    count = _count(match)
    yield "\n".join(heading if count is None else [*heading, f"In the log {count}"])
    if len(match.readings) == 1:
        yield from _reading_parts(match.readings[0], match.kind, match.fixes, bold, width)
    else:
        for number, reading in enumerate(match.readings, 1):
            title = f"Reading {number} of {len(match.readings)}: {reading.title}"
            yield "\n".join((bold(_wrapped(title, width)), _wrapped(f"by {_origin(reading)}", width)))
            fixes = match.fixes if number == 1 else reading.fixes
            yield from _reading_parts(reading, match.kind, fixes, bold, width)
    if match.prevention:
        yield "\n".join((bold("Prevent"), _bullets(match.prevention, width)))
    if match.escalate is not None:
        yield "\n".join((bold("Get help"), _wrapped(match.escalate, width, "  ", "  ")))
    if match.confirm:
        yield "\n".join((bold("Confirm"), *(f"  $ {command}" for command in match.confirm)))
    see = [
        _wrapped(f"{name}: {_names(names)}", width, "  ", "    ")
        for name, names in (("Heard as", match.symptoms), ("Related", match.related))
        if names
    ]
    if see:
        yield "\n".join((bold("See also"), *see))
    if match.sources:
        lines = [_wrapped(_source(source, width - 2), width, "  ", "  ") for source in match.sources]
        yield "\n".join((bold("Sources"), *lines))


def _log_line(log: Log, found: int) -> str:
    lines = "1 line" if log.lines == 1 else f"{log.lines:,} lines"
    what = "nothing of Twilio's" if found == 0 else "one thing" if found == 1 else f"{found} things, worst first"
    stopped = "" if log.stopped is UNSET else f"; not read to its end ({visible(log.stopped)})"
    return f"{visible(log.name)}: {lines}; {what}{stopped}"


def render(explanation: Explanation, bold: Bold = str, width: int = 80) -> str:
    """Return the answer as text of `width` columns, the answer first. `bold` is put around headings."""
    parts: list[str] = []
    if explanation.log is not None:
        parts.append(_wrapped(_log_line(explanation.log, len(explanation.matches)), width))
        parts += [
            _wrapped(f"{label(match)}  {match.title}: {_count(match)}", width, "  ", "    ")
            for match in explanation.matches
        ]
        parts = ["\n".join(parts)]
    rule = "-" * min(width, 80)
    in_full, named = _by_closeness(explanation)
    for number, match in enumerate(in_full):
        if number or parts:
            parts.append(rule)
        parts += _match_parts(match, bold, width)
    if named:
        parts += [rule, "\n".join((bold("Less likely"), *_named(named, width)))]
    return "\n\n".join(parts) + "\n" if parts else ""


def _named(matches: Sequence[Match], width: int) -> list[str]:
    return [_wrapped(f"{match.score:.2f}  {label(match)}  {match.title}", width, "  ", " " * 8) for match in matches]


def render_list(explanation: Explanation, width: int = 80) -> str:
    """Return a line for each match: what to ask for, and its title."""
    longest = max((len(label(match)) for match in explanation.matches), default=0)
    lines = [f"{label(match):<{longest}}  {match.title}" for match in explanation.matches]
    return "".join(f"{line if len(line) <= width else line[: width - 1] + '…'}\n" for line in lines)


# --- Markdown


def _markdown_reading(reading: Reading, kind: str, fixes: Sequence[str]) -> Iterator[str]:
    yield reading.summary.replace("\n", "\n\n")
    if reading.sdk is not None:
        yield f"Holds for: {reading.sdk}"
    if reading.tell_apart is not None:
        yield f"**Is this you?** {reading.tell_apart}"
    why = causes(reading) or ([_NONE_DOCUMENTED] if kind == "code" else [])
    if why:
        yield "**Causes**\n\n" + "\n".join(f"- {cause}" for cause in why)
    if fixes:
        yield "**Fix**\n\n" + "\n".join(f"{number}. {fix}" for number, fix in enumerate(fixes, 1))


def _markdown_match(match: Match) -> Iterator[str]:
    yield f"## {label(match)}: {match.title}"
    count = _count(match)
    yield _facts(match) + (f" · in the log {count}" if count is not None else "")
    for number, reading in enumerate(match.readings, 1):
        if len(match.readings) > 1:
            yield f"### Reading {number} of {len(match.readings)}: {reading.title}"
            yield f"By {_origin(reading)}"
        yield from _markdown_reading(reading, match.kind, match.fixes if number == 1 else reading.fixes)
    if match.prevention:
        yield "**Prevent**\n\n" + "\n".join(f"- {text}" for text in match.prevention)
    if match.escalate is not None:
        yield f"**Get help** {match.escalate}"
    if match.confirm:
        yield "**Confirm**\n\n```\n" + "\n".join(match.confirm) + "\n```"
    if match.related:
        yield f"**Related** {_names(match.related)}"
    if match.sources:
        lines = [f"- {_source(source)}" for source in match.sources]
        yield "**Sources**\n\n" + "\n".join(lines)


def to_markdown(explanation: Explanation) -> str:
    """Return the answer as Markdown. `<` is written as an entity, so that nothing in it is taken for HTML."""
    parts: list[str] = []
    if explanation.log is not None:
        parts.append(_log_line(explanation.log, len(explanation.matches)))
    in_full, named = _by_closeness(explanation)
    for match in in_full:
        parts += _markdown_match(match)
    if named:
        lines = [f"- {match.score:.2f} {label(match)}: {match.title}" for match in named]
        parts.append("**Less likely**\n\n" + "\n".join(lines))
    return "\n\n".join(parts).replace("<", "&lt;") + "\n" if parts else ""
