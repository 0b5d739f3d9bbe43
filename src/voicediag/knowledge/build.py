"""Checks the entries under data/ and makes the index that runs: `python -m voicediag.knowledge.build`.

Nothing here runs with the product. With `--check` nothing is written: without files everything is checked, and a
stale index is an error; with files only their entries are.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from voicediag.knowledge import search, store, wording
from voicediag.knowledge.entry import Entry, System
from voicediag.model.explanation import Basis, Kind, Level, Reading, Source, Tier
from voicediag.model.text import has_hostile

DATA = Path(__file__).parent / "data"
NOT_ENTRIES = frozenset({"sources.toml", "families.toml", "wording.toml"})
COMMANDS = frozenset(
    {
        "devices",
        "mic-test",
        "speaker-test",
        "loopback-test",
        "net-check",
        "account-check",
        "token-check",
        "call-report",
        "alerts",
        "explain",
        "check",
        "demo",
        "report",
        "compare",
        "watch",
        "history",
        "schema",
        "dictionary",
        "reflector",
    }
)
"""The commands of the product, of which a `confirm` line may name any."""
BASES: tuple[Basis, ...] = ("documented", "sdk-source", "inferred")
SAME_TEXT_MOST = 3
"""A text that more entries share says nothing about any of them."""

_CODE_PAGE = "https://www.twilio.com/docs/api/errors/{}"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]*|-?\d+")
_CONFIRM = re.compile(r"voicediag ([a-z-]+)(?: .*)?")
_SERVES = re.compile(r"\d{3}-\d{2}")
_LONGEST_TITLE, _LONGEST_TEXT = 130, 700
# `Forbidden`, `Gone` and `BusyHere` are words of many logs; two words and ten letters are a name of the SDK's.
_SPOKEN_CLASS = re.compile(r"(?=.{10})[A-Z][a-z]+[A-Z]\w*")
# Names that requests, sounds and databases throw as well: in a log they tell nothing of a microphone.
_COMMON_NAMES = frozenset({"AbortError", "SecurityError"})
_LONGEST_COMMAND = 76
_MISSING = " has no entry"


class Wrong(Exception):  # noqa: N818 - a list of problems for the writer
    """The entries are not in order. The arguments are the problems, one line each."""


class ReadingDraft(Struct, kw_only=True, forbid_unknown_fields=True):
    """A further reading as written: `[[entry.reading]]`."""

    source: str
    date: str | None = None
    sdk: str | None = None
    title: str
    summary: str
    causes: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    tell_apart: str | None = None


class EntryDraft(Struct, kw_only=True, forbid_unknown_fields=True):
    """An entry as written: `[[entry]]`. What a reading holds stands here for the first one."""

    code: int | None = None
    name: str | None = None
    kind: Kind = "code"
    tier: Tier = "core"
    title: str
    product: str | None = None
    sdk_class: str | None = None
    severity: Level | None = None
    aliases: tuple[str, ...] = ()
    source: str | None = None
    date: str | None = None
    sdk: str | None = None
    summary: str
    causes: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    fixes_linux: tuple[str, ...] = ()
    fixes_windows: tuple[str, ...] = ()
    fixes_macos: tuple[str, ...] = ()
    tell_apart: str | None = None
    reading: tuple[ReadingDraft, ...] = ()
    prevention: tuple[str, ...] = ()
    escalate: str | None = None
    related: tuple[int | str, ...] = ()
    symptoms: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    codes_input: tuple[int, ...] = ()
    codes_output: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    """The points of the digests under seeds/ that it serves (docs/seeds.md is made of them); not shown."""

    @property
    def id(self) -> str:
        """The entry's unique name."""
        return self.name if self.name is not None else str(self.code)


class Book(Struct):
    """Everything that was read."""

    drafts: list[tuple[str, EntryDraft]]
    """With the name of the file that each is in."""
    sources: dict[str, Source]
    families: list[store.Family]


class Built(Struct, frozen=True):
    """The generated files, as bytes."""

    files: dict[str, bytes]


T = TypeVar("T")


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"{path.name}: {error}") from error


def _rows(path: Path, table: str, type_: type[T]) -> list[T]:
    """Return the `[[table]]`s of the file as structs. Raises Wrong that names each one which is not in form."""
    raw = _load(path)
    problems = [f"{path.name}: unknown table or key {key!r}" for key in raw if key != table]
    rows: list[T] = []
    for row in raw.get(table, []):
        try:
            rows.append(msgspec.convert(row, type_))
        except msgspec.ValidationError as error:
            label = next((str(row[key]) for key in ("name", "code", "id", "prefix") if key in row), "?")
            problems.append(f"{path.name}: {label}: {error}")
    if problems:
        raise Wrong(*problems)
    return rows


def entry_files(data: Path = DATA) -> list[Path]:
    """Return the files that hold entries."""
    return sorted(path for path in data.glob("*.toml") if path.name not in NOT_ENTRIES)


def read(paths: Iterable[Path], data: Path = DATA) -> Book:
    """Read the entries of `paths`, and the lists of sources and families of `data`. Raises Wrong."""
    problems: list[str] = []
    drafts: list[tuple[str, EntryDraft]] = []
    for path in paths:
        try:
            drafts += [(path.name, draft) for draft in _rows(path, "entry", EntryDraft)]
        except Wrong as wrong:
            problems += wrong.args
    if problems:
        raise Wrong(*problems)
    sources = {source.id: source for source in _rows(data / "sources.toml", "source", Source)}
    return Book(drafts, sources, _rows(data / "families.toml", "family", store.Family))


# --- checking


def texts(draft: EntryDraft) -> Iterator[str]:
    """Return every text of an entry that a person reads."""
    yield from (draft.title, draft.summary, *draft.causes, *draft.fixes, *draft.aliases, *draft.prevention)
    yield from (*draft.fixes_linux, *draft.fixes_windows, *draft.fixes_macos)
    yield from (text for text in (draft.tell_apart, draft.escalate, draft.sdk) if text is not None)
    for reading in draft.reading:
        yield from (reading.title, reading.summary, *reading.causes, *reading.fixes)
        yield from (text for text in (reading.tell_apart, reading.sdk) if text is not None)


def _check_form(draft: EntryDraft) -> Iterator[str]:
    if draft.kind == "code":
        if draft.code is None or not 10_000 <= draft.code <= 99_999:
            yield "an entry of kind code needs a `code` of five digits"
        if draft.name is not None:
            yield "a code has no `name`; its class is `sdk_class`"
    elif draft.name is None:
        yield f"an entry of kind {draft.kind} needs a `name`"
    if not _NAME.fullmatch(draft.id):
        yield f"{draft.id!r} is no name (letters, digits, dots and hyphens)"
    if draft.kind != "finding" and (draft.codes or draft.codes_input or draft.codes_output or draft.warnings):
        yield "`codes` and `warnings` belong to findings; elsewhere use `related`"
    if len(draft.title) > _LONGEST_TITLE:
        yield f"the title has more than {_LONGEST_TITLE} characters"
    for text in texts(draft):
        shown = tidy(text)
        if not shown:
            yield "an empty text"
        if len(shown) > _LONGEST_TEXT:
            yield f"a text has more than {_LONGEST_TEXT} characters: {shown[:60]!r}…"
        if has_hostile(shown) or "`" in shown:
            yield f"a control character or a backtick (texts are plain, not Markdown): {shown[:60]!r}…"
    for command in draft.confirm:
        found = _CONFIRM.fullmatch(command)
        if found is None or found.group(1) not in COMMANDS:
            yield f"confirm: {command!r} is no command of ours"
        elif len(command) > _LONGEST_COMMAND:
            yield f"confirm: {command!r} has more than {_LONGEST_COMMAND} characters and would not fit its line"
    yield from (f"serves: {point!r} is no point of a digest" for point in draft.serves if not _SERVES.fullmatch(point))


def _check_tier(draft: EntryDraft) -> Iterator[str]:
    if not draft.fixes:
        yield "no `fixes`"
    if not draft.sources and draft.kind not in ("finding", "symptom"):
        yield "no `sources`"
    if draft.kind == "finding" and not draft.confirm:
        yield "a finding needs `confirm`"
    if draft.kind == "symptom" and not (draft.aliases and draft.confirm):
        yield "a symptom needs `aliases` and `confirm`"
    if draft.tier == "deep":
        parts = ("prevention", "escalate", "related", "symptoms", "confirm")
        yield from (f"tier deep needs `{part}`" for part in parts if not getattr(draft, part))
    if draft.reading and draft.tell_apart is None:
        yield "several readings need `tell_apart` on each"
    yield from ("a reading without `tell_apart`" for reading in draft.reading if reading.tell_apart is None)
    yield from ("a reading without `fixes`" for reading in draft.reading if not reading.fixes)


def _check_sources(draft: EntryDraft, book: Book) -> Iterator[str]:
    used = (*draft.sources, *((draft.source,) if draft.source else ()), *(each.source for each in draft.reading))
    for source in used:
        if _source(source, draft, book) is None:
            yield f"source {source!r} is not in sources.toml"


def check(book: Book) -> list[str]:
    """Return what is wrong with each entry by itself, a line each."""
    problems = []
    for file, draft in book.drafts:
        for problem in (*_check_form(draft), *_check_tier(draft), *_check_sources(draft, book)):
            problems.append(f"{file}: {draft.id}: {problem}")
    return problems


def check_together(book: Book) -> list[str]:
    """Return what is wrong between entries, a line each: names used twice, names that do not exist, shared texts."""
    problems = []
    where: dict[str, str] = {}
    for file, draft in book.drafts:
        if draft.id in where:
            problems.append(f"{file}: {draft.id}: is also in {where[draft.id]}")
        where[draft.id] = file
    symptoms = {draft.id for _, draft in book.drafts if draft.kind == "symptom"}
    users: dict[str, set[str]] = defaultdict(set)
    for file, draft in book.drafts:
        for name in (*draft.related, *draft.codes, *draft.codes_input, *draft.codes_output, *draft.warnings):
            if str(name) not in where:
                problems.append(f"{file}: {draft.id}: related {name!r}{_MISSING}")
            elif str(name) == draft.id:
                problems.append(f"{file}: {draft.id}: is related to itself")
        problems += [f"{file}: {draft.id}: {name!r} is no symptom" for name in draft.symptoms if name not in symptoms]
        if draft.kind == "code":
            titles = {draft.title, *(reading.title for reading in draft.reading)}  # Twilio's own; some are shared
            for text in texts(draft):
                if text not in titles:
                    users[tidy(text)].add(draft.id)
    for text, ids in users.items():
        if len(ids) > SAME_TEXT_MOST:
            problems.append(f"{', '.join(sorted(ids))}: share the text {text[:60]!r}…")
    return problems


# --- making


def tidy(text: str) -> str:
    """Return `text` on one line."""
    return " ".join(text.split())


def _source(id_: str, draft: EntryDraft, book: Book) -> Source | None:
    """Return the source called `id_`; `page` or `page@DATE` is Twilio's page for the entry's own code."""
    name, _, date = id_.partition("@")
    if name == "page" and draft.code is not None:
        return Source("page", f"Twilio's page for error {draft.code}", _CODE_PAGE.format(draft.code), date or None)
    return book.sources.get(id_)


def _cause(text: str) -> tuple[str, Basis]:
    for basis in BASES:
        if text.startswith(f"{basis}: "):
            return tidy(text.removeprefix(f"{basis}: ")), basis
    return tidy(text), "documented"


def _all(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(tidy(item) for item in items)


def _reading(draft: EntryDraft, book: Book, part: EntryDraft | ReadingDraft) -> Reading:
    source = _source(part.source or (draft.sources[0] if draft.sources else "own"), draft, book)
    if source is None:
        raise Wrong(f"{draft.id}: no source {part.source!r}")
    causes = [_cause(cause) for cause in part.causes]
    return Reading(
        source=source.title,
        date=part.date or source.date,
        sdk=part.sdk,
        title=tidy(part.title),
        summary=tidy(part.summary),
        causes=tuple(text for text, _ in causes),
        cause_bases=tuple(basis for _, basis in causes),
        fixes=_all(part.fixes),
        tell_apart=tidy(part.tell_apart) if part.tell_apart else None,
    )


def _entry(draft: EntryDraft, book: Book, known: Container[str]) -> Entry:
    by_system: dict[System, tuple[str, ...]] = {
        "linux": draft.fixes_linux,
        "windows": draft.fixes_windows,
        "macos": draft.fixes_macos,
    }
    return Entry(
        id=draft.id,
        kind=draft.kind,
        tier=draft.tier,
        code=draft.code,
        sdk_class=draft.sdk_class,
        title=tidy(draft.title),
        product=draft.product,
        severity=draft.severity,
        aliases=_all(draft.aliases),
        readings=(_reading(draft, book, draft), *(_reading(draft, book, part) for part in draft.reading)),
        prevention=_all(draft.prevention),
        escalate=tidy(draft.escalate) if draft.escalate else None,
        related=tuple(name for name in draft.related if str(name) in known),
        symptoms=draft.symptoms,
        confirm=draft.confirm,
        sources=tuple(source for id_ in draft.sources if (source := _source(id_, draft, book)) is not None),
        codes=draft.codes,
        codes_input=draft.codes_input,
        codes_output=draft.codes_output,
        warnings=draft.warnings,
        fixes_on={system: _all(fixes) for system, fixes in by_system.items() if fixes},
    )


def _order(entry: Entry) -> tuple[bool, int, str]:
    return entry.kind != "code", entry.code or 0, entry.id


def _own_names(entry: Entry) -> set[str]:
    names = {entry.id}
    if entry.code is not None:
        names.add(str(entry.code))
    if entry.sdk_class is not None:
        names |= {entry.sdk_class, entry.sdk_class.rpartition(".")[2]}
    return {store.normal(name) for name in names}


def _keys(entries: Sequence[Entry]) -> dict[str, list[int]]:
    """Return for each name its entries: the one of that id first, those that bear it, those also called so."""
    ranks: dict[str, dict[int, tuple[int, float, int]]] = defaultdict(dict)
    for number, entry in enumerate(entries):
        own = _own_names(entry)
        for name in own:
            ranks[name][number] = (int(name != store.normal(entry.id)), 0.0, number)
        for name in {store.normal(alias) for alias in entry.aliases} - own:
            ranks[name][number] = (2, -search.prior(entry), number)
    return {name: sorted(found, key=found.__getitem__) for name, found in ranks.items()}


# --- making: the index of words


def lexicon(data: Path = DATA) -> store.Lexicon:
    """Return the tables of words. Raises Wrong where a phrase stands for two terms."""
    raw = _load(data / "wording.toml")
    terms: dict[str, str] = {}
    for term, said in raw["same"].items():
        for phrase in said.split(", "):
            key = " ".join(map(wording.stem, wording.words(phrase)))
            if terms.setdefault(key, term) != term:
                raise Wrong(f"wording.toml: {phrase!r} stands for {terms[key]!r} and {term!r}")
    return wording.lexicon(**raw)


def _spelling(words: store.Lexicon) -> list[str]:
    """Return the words of telephony, towards which typing errors are mended."""
    telling = words.topic | words.hint
    said = {phrase for phrase, term in words.whole.items() if " " not in phrase and term in telling}
    return sorted(word for word in said | telling if len(word) > 3)


def _fields(entry: Entry) -> tuple[Sequence[str], ...]:
    """Return the texts of an entry that are searched, the most telling field first."""
    readings = entry.readings
    return (
        [entry.id, *entry.aliases, *([] if entry.sdk_class is None else [entry.sdk_class.rpartition(".")[2]])],
        [entry.title, *(reading.title for reading in readings)],
        [reading.summary for reading in readings],
        [cause for reading in readings for cause in reading.causes],
        [text for reading in readings for text in (*reading.fixes, reading.tell_apart) if text is not None],
    )


def _index(entries: Sequence[Entry], words: store.Lexicon) -> store.Index:
    terms: dict[str, list[int]] = defaultdict(list)
    names: list[list[str]] = []
    stems: set[str] = set()
    for number, entry in enumerate(entries):
        fields = _fields(entry)
        found = [[wording.terms(text, words) for text in texts] for texts in fields]
        most_telling = {term: field for field in reversed(range(len(found))) for text in found[field] for term in text}
        for term, field in most_telling.items():
            terms[term].append(number * store.FIELDS + field)
        names.append(sorted({" ".join(dict.fromkeys(text)) for text in found[0] + found[1] if text}))
        stems.update(wording.stem(word) for texts in fields[:3] for text in texts for word in wording.words(text))
    stems -= {*terms, *words.whole, *words.stop}
    prior = [search.prior(entry) for entry in entries]
    return store.Index(words, dict(terms), names, prior, frozenset(stems), _spelling(words))


def _spoken(entries: Sequence[Entry]) -> dict[str, int]:
    """Return the names by which a log can tell of an entry. A class name that several share tells nothing alone."""
    bearers: dict[str, set[int]] = defaultdict(set)
    for number, entry in enumerate(entries):
        if entry.kind in ("warning", "exception") and entry.id not in _COMMON_NAMES:
            bearers[entry.id].add(number)
        if entry.sdk_class is not None:
            bearers[entry.sdk_class].add(number)
            short = entry.sdk_class.rpartition(".")[2]
            if _SPOKEN_CLASS.fullmatch(short):
                bearers[short].add(number)
    return {name: min(numbers) for name, numbers in sorted(bearers.items()) if len(numbers) == 1}


def make(book: Book) -> Built:
    """Return the files of the index. The same entries give the same bytes; names without an entry are left out."""
    known = {draft.id for _, draft in book.drafts}
    entries = sorted((_entry(draft, book, known) for _, draft in book.drafts), key=_order)
    lines = [msgspec.json.encode(entry) + b"\n" for entry in entries]
    ends = accumulate(map(len, lines))
    rows = [(end - len(line), len(line) - 1) for end, line in zip(ends, lines, strict=True)]
    families = sorted(book.families, key=lambda family: family.prefix)
    encode = msgspec.json.Encoder(order="deterministic").encode
    return Built(
        {
            "entries.jsonl": b"".join(lines),
            "names.json": encode(store.Names(_keys(entries), rows, families, _spoken(entries))) + b"\n",
            "search.json": encode(_index(entries, lexicon())) + b"\n",
        }
    )


def build(data: Path = DATA) -> tuple[Built, list[str]]:
    """Return the index of everything under `data`, and the names that other entries speak of but nobody wrote yet.

    Raises Wrong with all other problems.
    """
    book = read(entry_files(data), data)
    problems = check(book) + check_together(book)
    missing = [problem for problem in problems if problem.endswith(_MISSING)]
    if len(missing) < len(problems):
        raise Wrong(*(problem for problem in problems if problem not in missing))
    return make(book), missing


def stale(built: Built, folder: Path) -> list[str]:
    """Return the names of the files in `folder` that are not what `built` holds."""
    return [
        name
        for name, content in built.files.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != content
    ]


# --- the command


def _check_files(paths: list[Path]) -> tuple[list[str], list[str]]:
    """Return the problems of these files, and the names in them that have no entry yet."""
    book = read(paths)
    everything = Book([], book.sources, book.families)
    for path in entry_files():
        with contextlib.suppress(Wrong):  # another writer's file may be half written
            everything.drafts += read([path]).drafts
    own = {path.name for path in paths}
    ids = {draft.id for _, draft in book.drafts}
    together = [
        problem
        for problem in check_together(everything)
        if problem.partition(":")[0] in own or ids & set(problem.partition(": share")[0].split(", "))
    ]
    missing = [problem for problem in together if problem.endswith(_MISSING)]
    return check(book) + [problem for problem in together if problem not in missing], missing


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit code: 0, or 1 with the problems on standard error."""
    folder = Path(store.path(""))
    is_check = list(arguments[:1]) == ["--check"]
    missing: list[str] = []
    try:
        if is_check and len(arguments) > 1:
            problems, missing = _check_files([Path(argument) for argument in arguments[1:]])
        else:
            built, missing = build()
            old = stale(built, folder)
            problems = [f"{name} is stale: run python -m voicediag.knowledge.build" for name in old] if is_check else []
            problems += missing if is_check else []
            for name in [] if is_check else old:
                (folder / name).write_bytes(built.files[name])
    except Wrong as wrong:
        problems = list(wrong.args)
    notes = [f"note: {problem} yet" for problem in missing if problem not in problems]
    sys.stderr.write("".join(f"{line}\n" for line in problems + notes) or "in order\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
