"""Attempts and findings → the report: words from the knowledge, worst first, one verdict."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence

import msgspec

from voicediag import __version__
from voicediag.knowledge.entry import System, command
from voicediag.knowledge.findings import words
from voicediag.model.attempt import (
    Attempt,
    DevicesAttempt,
    LoopbackTestAttempt,
    MicTestAttempt,
    NetCheckAttempt,
    SpeakerTestAttempt,
)
from voicediag.model.finding import RANK, Finding
from voicediag.model.report import Host, Outcome, Report, Status, Tool
from voicediag.model.results.acoustic import LoopbackTestResult, SpeakerTestResult
from voicediag.model.results.audio import DevicesResult, MicTestResult
from voicediag.model.results.network import NetCheckResult

Runnable = Callable[[Iterable[str]], tuple[str, ...]]
_MOST_TARGETS = 4
SYSTEMS: dict[str, System] = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}


def with_words(finding: Finding, system: System | None, runnable: Runnable, *, is_recording: bool = False) -> Finding:
    """Return `finding` with title, codes, warnings, symptoms, fixes and commands of the knowledge.

    What the judge already said stays. `system` picks the fixes for this system; None: the general ones only.
    `runnable` keeps the commands that exist in this version. `is_recording`: the subject is a file, which no command
    that confirms with a device can name.
    """
    known = words(finding.id, system, None if is_recording else finding.subject, finding.direction)
    return msgspec.structs.replace(
        finding,
        title=finding.title or known.title.replace("{subject}", finding.subject or ""),
        codes=finding.codes or known.codes,
        warnings=finding.warnings or known.warnings,
        symptoms=finding.symptoms or known.symptoms,
        fixes=finding.fixes or known.fixes,
        confirm=runnable(finding.confirm or known.confirm),
    )


def build(
    *,
    attempts: Sequence[Attempt],
    findings: Sequence[Finding],
    status: Status,
    outcome: Outcome | None,
    host: Host,
    started_at: str,
    duration_s: float,
    runnable: Runnable = tuple,
) -> Report:
    """Put the report together. Within one severity the order of the checks and of their judges is kept."""
    system = SYSTEMS.get(platform.system())
    recordings = {attempt.check for attempt in attempts if _is_recording(attempt)}
    servers = _own_servers(attempts)
    worded = [
        _asking_again(with_words(f, system, runnable, is_recording=f.check in recordings), servers) for f in findings
    ]
    ordered = tuple(sorted(worded, key=lambda finding: RANK[finding.severity]))
    return Report(
        tool=Tool("voicediag", __version__),
        started_at=started_at,
        duration_s=round(duration_s, 3),
        host=host,
        status=status,
        outcome=outcome,
        verdict=verdict(attempts, ordered, outcome),
        attempts=tuple(attempts),
        findings=ordered,
    )


def _is_recording(attempt: Attempt) -> bool:
    return isinstance(attempt, MicTestAttempt) and attempt.result is not None and attempt.result.source == "file"


def _own_servers(attempts: Sequence[Attempt]) -> dict[str, str]:
    """Return `--target`'s value by name for each server probed that is no edge of the table."""
    return {
        edge.edge: f"{edge.edge}=[{edge.host}]:{edge.port}"
        if ":" in edge.host
        else f"{edge.edge}={edge.host}:{edge.port}"
        for attempt in attempts
        if isinstance(attempt, NetCheckAttempt) and attempt.result is not None
        for edge in attempt.result.edges
        if not edge.is_edge
    }


def _asking_again(finding: Finding, servers: dict[str, str]) -> Finding:
    """Let the commands that confirm a finding about the user's own servers ask those, not Twilio's edges.

    No command is left where a shell would act on a name, or where there are too many to write on a line.
    """
    if finding.check != "net-check" or not servers:
        return finding
    places = [servers[finding.subject]] if finding.subject in servers else list(servers.values())
    options = [command(" --target {subject}", place) for place in places]
    if not all(options) or len(options) > _MOST_TARGETS:
        return msgspec.structs.replace(finding, confirm=())
    asked = f"voicediag net-check{''.join(options)}"
    return msgspec.structs.replace(
        finding, confirm=tuple(line.replace("voicediag net-check", asked, 1) for line in finding.confirm)
    )


def named(finding: Finding) -> str:
    """A finding in one clause: its title, and what it is about unless the title says so."""
    if finding.subject is None or finding.subject in finding.title:
        return finding.title
    return f"{finding.title}: {finding.subject}"


LEAD: dict[Outcome, str] = {
    "ready": "Ready for calls",
    "degraded": "Calls will work, but not well",
    "blocked": "Calls are blocked",
    "no-device": "No usable audio device",
    "unknown": "Could not tell",
}


def verdict(attempts: Sequence[Attempt], findings: Sequence[Finding], outcome: Outcome | None) -> str:
    """One sentence in plain words. `findings` are worst first."""
    parts = [LEAD[outcome]] if outcome is not None else []
    troubles = [finding for finding in findings if finding.severity != "info"]
    unfinished = [attempt for attempt in attempts if attempt.status in ("unavailable", "crashed", "interrupted")]
    explained = {finding.check for finding in troubles}
    if troubles:
        clause = named(troubles[0])
        if len(troubles) > 1:
            clause += f" (and {len(troubles) - 1} more)"
        parts.append(clause)
    elif not unfinished:
        parts += [clause for attempt in attempts if (clause := good_news(attempt))]
    for attempt in unfinished:
        if attempt.check not in explained or len(attempts) > 1:
            word = {"unavailable": "could not run", "crashed": "failed inside", "interrupted": "was interrupted"}
            reason = f" ({attempt.reason})" if attempt.reason and attempt.check not in explained else ""
            parts.append(f"{attempt.check} {word[attempt.status]}{reason}")
    if not parts:
        parts = ["Nothing was measured"]
    sentence = ": ".join(parts[:2]) if outcome is not None else parts[0]
    for further in parts[2:] if outcome is not None else parts[1:]:
        sentence += f"; {further}"
    return sentence.rstrip(".") + "."


def good_news(attempt: Attempt) -> str:
    """What a completed check without a finding found, in one clause."""
    match attempt:
        case DevicesAttempt(result=DevicesResult() as devices):
            return _devices_clause(devices)
        case MicTestAttempt(result=MicTestResult() as mic):
            return _mic_clause(mic)
        case SpeakerTestAttempt(result=SpeakerTestResult() as speaker):
            return _speaker_clause(speaker)
        case LoopbackTestAttempt(result=LoopbackTestResult() as loopback):
            return _loopback_clause(loopback)
        case NetCheckAttempt(result=NetCheckResult() as net):
            return _net_clause(net)
        case _:
            return ""


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _devices_clause(result: DevicesResult) -> str:
    counts = []
    defaults = []
    for kind, noun, word in (("input", "input", "microphone"), ("output", "output", "speaker")):
        ends = [end for end in result.endpoints if end.kind == kind]
        counts.append(_plural(sum(1 for end in ends if not end.is_monitor), noun))
        defaults += [f"{word} {end.name}" for end in ends if end.is_default]
    clause = " and ".join(counts)
    return f"{clause}; default {' and '.join(defaults)}" if defaults else clause


def _mic_clause(result: MicTestResult) -> str:
    subject = "The recording" if result.source == "file" else "The microphone"
    if result.tone_expected_hz is not None and result.tone_hz is not None and result.tone_dbfs is not None:
        return f"The tone arrives: {result.tone_hz:.0f} Hz at {result.tone_dbfs:.1f} dBFS"
    if result.speech_level_dbfs is not None:
        return f"{subject} is fine: speech at {result.speech_level_dbfs:.1f} dBFS"
    if result.rms_dbfs is not None:
        return f"{subject} is fine: level {result.rms_dbfs:.1f} dBFS"
    return f"{subject} is fine"


def _speaker_clause(result: SpeakerTestResult) -> str:
    if result.tone is not None and result.listened is not None:
        return f"The tone is heard: {result.tone.tone_hz:.0f} Hz at {result.tone.tone_dbfs:.1f} dBFS"
    return "The tone was heard" if result.answer == "yes" else ""


def _loopback_clause(result: LoopbackTestResult) -> str:
    if result.round_trip_ms is None or result.echo_return_loss_db is None:
        return "The tone comes back from output to input"
    return (
        f"Sound comes back after {result.round_trip_ms:.0f} ms, {result.echo_return_loss_db:.0f} dB weaker than played"
    )


def _net_clause(result: NetCheckResult) -> str:
    what = "edges" if all(edge.is_edge for edge in result.edges) else "targets"
    best = next((edge for edge in result.edges if edge.edge == result.best_edge), None)
    if best is None or best.stun is None or best.stun.rtt_ms is None:
        return ""
    nearest = f"{best.edge}, {best.stun.rtt_ms.median:.3g} ms"
    if len(result.edges) == 1:
        return f"The path is good: {nearest}"
    return f"The path to all {len(result.edges)} {what} is good; best is {nearest}"
