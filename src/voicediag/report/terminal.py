"""Report → text for a terminal. The answer first; nothing is said by color alone; 80 columns are enough."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voicediag.model.attempt import (
    Attempt,
    DevicesAttempt,
    LoopbackTestAttempt,
    MicTestAttempt,
    NetCheckAttempt,
    SpeakerTestAttempt,
)
from voicediag.model.finding import Evidence, Finding, Severity
from voicediag.model.report import Report
from voicediag.model.results.acoustic import Listened, LoopbackTestResult, Played, SpeakerTestResult, ToneHeard
from voicediag.model.results.audio import DevicesResult, Endpoint, MicTestResult
from voicediag.model.results.network import EdgeResult, NetCheckResult
from voicediag.model.text import visible

STATUS_STYLE = {"pass": "bold green", "warn": "bold yellow", "fail": "bold red", "error": "bold red"}
SEVERITY_STYLE: dict[Severity, str] = {"info": "bold", "warn": "bold yellow", "fail": "bold red"}
DASH = "–"


def render(report: Report, *, width: int, color: bool) -> str:
    """Return the whole report as text of at most `width` columns, ending with a newline."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    for part in _parts(report):
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _parts(report: Report) -> Iterator[RenderableType]:
    word = "interrupted" if any(a.status == "interrupted" for a in report.attempts) else report.status
    yield _hanging(Text(f"{word.upper()}  ", STATUS_STYLE[report.status]), visible(report.verdict, 600))
    for attempt in report.attempts:
        yield ""
        yield from _attempt(attempt)
    if report.findings:
        yield ""
        yield Text("What was found", "bold")
        for finding in report.findings:
            yield ""
            yield from _finding(finding, {attempt.reason for attempt in report.attempts})


def _hanging(label: Text, body: str) -> RenderableType:
    """A label, and a body that wraps beside it."""
    grid = Table.grid(padding=0)
    grid.add_column(width=label.cell_len, no_wrap=True)
    grid.add_column()
    grid.add_row(label, Text(body))
    return grid


def _indented(part: RenderableType, by: int = 2) -> RenderableType:
    return Padding(part, (0, 0, 0, by))


# --- attempts ---------------------------------------------------------------------------------------------------------


def _attempt(attempt: Attempt) -> Iterator[RenderableType]:
    head = Text(attempt.check, "bold")
    if attempt.status != "completed":
        head.append(f"  {attempt.status}", "bold yellow")
        if attempt.reason:
            head.append(f": {visible(attempt.reason)}")
    match attempt:
        case DevicesAttempt(result=DevicesResult() as devices):
            yield head
            yield from _devices(devices)
        case MicTestAttempt(result=MicTestResult() as mic):
            yield head.append(f"  {_mic_subject(mic)}")
            yield from _mic(mic)
        case SpeakerTestAttempt(result=SpeakerTestResult() as speaker):
            yield head.append(f"  {visible(speaker.output.device)}, {speaker.output.rate_hz} Hz")
            yield from _speaker(speaker)
        case LoopbackTestAttempt(result=LoopbackTestResult() as loopback):
            yield head.append(f"  {visible(loopback.output.device)} to {visible(loopback.input.device)}")
            yield from _loopback(loopback)
        case NetCheckAttempt(result=NetCheckResult() as net):
            yield head.append(f"  {_net_subject(net)}")
            yield from _net(net)
        case _:
            yield head


def _devices(result: DevicesResult) -> Iterator[RenderableType]:
    for title, kind in (("Inputs", "input"), ("Outputs", "output")):
        chosen = [endpoint for endpoint in result.endpoints if endpoint.kind == kind]
        if not chosen:
            continue
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
        table.add_column("", justify="right", overflow="fold")
        table.add_column(title, ratio=1, overflow="fold")
        table.add_column("through", overflow="fold")
        table.add_column("ch", justify="right")
        table.add_column("rates kHz", overflow="fold")
        table.add_column("latency ms", justify="right")
        for endpoint in chosen:
            table.add_row(*_endpoint_row(endpoint))
        yield _indented(table)
    if not result.devices and not result.endpoints:
        yield _indented(Text("no device"))
    else:
        keys = "* default of the system and of browsers"
        if any(endpoint.is_communications for endpoint in result.endpoints):
            keys += ', c "communications" default'
        yield _indented(Text(f"{keys}; numbers are for --device"))


def _endpoint_row(endpoint: Endpoint) -> tuple[Text, ...]:
    low, high = endpoint.latency_low_ms, endpoint.latency_high_ms
    latency = DASH if low is None or high is None else f"{low:.0f}{DASH}{high:.0f}"
    marks = f"{'*' if endpoint.is_default else ''}{'c' if endpoint.is_communications else ''}"
    name = Text(visible(endpoint.name), "bold" if endpoint.is_default else "")
    for words in endpoint_notes(endpoint):
        name.append(f", {words}")
    rates = f"{endpoint.default_rate_hz / 1000:g}"
    if endpoint.rates_hz is not None:
        rates = " ".join(f"{rate_hz / 1000:g}" for rate_hz in endpoint.rates_hz) or DASH
    return (
        Text(f"{marks} {endpoint.indices[0]}" if endpoint.indices else f"{marks} {DASH}"),
        name,
        Text(", ".join(visible(api, 40) for api in endpoint.host_apis)),
        Text(str(endpoint.channels)),
        Text(rates),
        Text(latency),
    )


WHY_UNUSABLE = {
    "absent": "not there",
    "busy": "busy",
    "rate": "refuses the rate",
    "channels": "refuses the channels",
    "permission": "no permission",
    "driver": "the driver refuses",
    "lost": "lost",
    "stalled": "stalled",
}


def endpoint_notes(endpoint: Endpoint) -> Iterator[str]:
    """Yield what to know of a device, a few words each."""
    if endpoint.failure is not None:
        why = "in exclusive use" if endpoint.exclusive else WHY_UNUSABLE[endpoint.failure]
        yield f"not usable now: {why}"
    if endpoint.muted:
        yield "muted"
    if endpoint.is_hands_free:
        yield "hands-free (narrow-band)"
    if endpoint.is_monitor:
        yield "monitor"
    elif endpoint.is_virtual:
        yield "virtual"


def _mic_subject(result: MicTestResult) -> str:
    name = result.file if result.source == "file" else result.device
    channels = "mono" if result.channel_count == 1 else f"{result.channel_count} channels"
    return f"{visible(name or 'default input')}, {result.rate_hz} Hz, {channels}, {result.recorded_s:.1f} s"


def _mic(result: MicTestResult) -> Iterator[RenderableType]:
    rows = [
        ("speech level", _number(result.speech_level_dbfs, "dBFS"), "ITU-T P.56" if result.speech_level_dbfs else ""),
        ("RMS", _number(result.rms_dbfs, "dBFS"), ""),
        ("peak", _number(result.peak_dbfs, "dBFS"), ""),
        ("noise floor", _number(result.noise_floor_dbfs, "dBFS"), ""),
        ("speech over noise", _number(result.snr_db, "dB"), ""),
        ("speech", _percent(result.speech_ratio), "of the time"),
        ("clipped", _percent(result.clipped_ratio, 3), "of samples"),
        ("hum", _number(result.hum_dbfs, "dBFS"), _hum_note(result)),
        ("bandwidth", _number(result.bandwidth_hz, "Hz", 0), ""),
        ("gaps", DASH if result.dropouts is None else str(result.dropouts), ""),
        ("level drift", _number(result.gain_drift_db, "dB"), "beyond what voices do"),
        ("DC offset", DASH if result.dc_offset is None else f"{result.dc_offset:+.5f}", "of full scale"),
    ]
    if result.tone_expected_hz is not None:
        found = "not found" if result.tone_hz is None else f"{result.tone_hz:.1f} Hz"
        rows.append((f"tone {result.tone_expected_hz:g} Hz", found, ""))
        rows.append(("tone level", _number(result.tone_dbfs, "dBFS"), ""))
        rows.append(("THD+N", _number(result.thdn_db, "dB"), ""))
    if result.nonfinite_samples:
        rows.append(("not a number", str(result.nonfinite_samples), "samples, read as 0"))
    if result.overflows:
        rows.append(("overflows", str(result.overflows), f"{result.overflow_ms:.0f} ms lost"))
    if result.channel is not None and result.channel_count > 1:
        rows.append(("judged channel", str(result.channel + 1), f"of {result.channel_count}"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column()
    for name, value, note in rows:
        if value != DASH:
            grid.add_row(name, value, note)
    yield _indented(grid)
    if result.saved is not None:
        yield _indented(Text(f"recording kept in {visible(result.saved)}"))
    for trouble in (result.file_error, result.save_error):
        if trouble is not None:
            yield _indented(Text(visible(trouble), "bold"))
    if result.failure is not None:
        detail = f": {visible(result.failure_detail)}" if result.failure_detail else ""
        yield _indented(Text(f"the stream failed ({result.failure}){detail}", "bold"))


def _speaker(result: SpeakerTestResult) -> Iterator[RenderableType]:
    side = "" if result.side == "both" else f", {result.side} side only"
    rows = [
        ("played", f"{result.expected_hz:g} Hz", f"{result.output.played_s:.1f} s{side}"),
        *_level_played(result.output),
    ]
    if result.answer is not None:
        rows.append(("heard", result.answer, "says the person asked"))
    if result.listened is not None:
        rows += [("listened", "", visible(result.listened.device)), *_tone_rows(result.tone, result.listened)]
    yield _rows(rows)
    yield from _stream_troubles(result.output, result.listened)


def _loopback(result: LoopbackTestResult) -> Iterator[RenderableType]:
    scatter = "" if result.round_trip_scatter_ms is None else f"±{result.round_trip_scatter_ms:.1f} ms between blocks"
    probe = "not heard" if result.round_trip_ms is None else "heard"
    ratio = "" if result.peak_to_sidelobe_db is None else f"{result.peak_to_sidelobe_db:.1f} dB above all else"
    yield _rows(
        [
            *_level_played(result.output),
            ("probe", probe, ratio),
            ("round trip", _number(result.round_trip_ms, "ms"), scatter),
            ("echo return loss", _number(result.echo_return_loss_db, "dB"), ""),
            *_tone_rows(result.tone, result.input),
        ]
    )
    yield from _stream_troubles(result.output, result.input)


def _level_played(output: Played) -> list[tuple[str, str, str]]:
    muted = "the output is muted" if output.muted else ""
    return [("level played", _number(output.level_dbfs, "dBFS"), muted)]


def _tone_rows(tone: ToneHeard | None, listened: Listened) -> list[tuple[str, str, str]]:
    rows = [("tone", "not heard" if tone is None else f"{tone.tone_hz:.1f} Hz", "")]
    if tone is not None:
        apart = DASH if tone.distortion_db is None else _number(tone.distortion_db, "dB")
        rows += [
            ("tone level", _number(tone.tone_dbfs, "dBFS"), ""),
            ("THD+N", _number(tone.thdn_db, "dB"), "the room's noise included"),
            ("distortion", apart, "without that noise"),
        ]
    rows.append(("noise before", _number(listened.noise_dbfs, "dBFS"), ""))
    if listened.muted:
        rows.append(("input", "muted", ""))
    if listened.overflows:
        rows.append(("overflows", str(listened.overflows), ""))
    return rows


def _rows(rows: list[tuple[str, str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column()
    for name, value, note in rows:
        if value != DASH:
            grid.add_row(Text(name), Text(value), Text(note))
    return _indented(grid)


def _stream_troubles(output: Played, listened: Listened | None) -> Iterator[RenderableType]:
    if listened is not None and listened.saved is not None:
        yield _indented(Text(f"recording kept in {visible(listened.saved)}"))
    if listened is not None and listened.save_error is not None:
        yield _indented(Text(visible(listened.save_error), "bold"))
    for word, side in (("output", output), ("input", listened)):
        if side is not None and side.failure is not None:
            detail = f": {visible(side.failure_detail)}" if side.failure_detail else ""
            yield _indented(Text(f"the {word} failed ({side.failure}){detail}", "bold"))


def _hum_note(result: MicTestResult) -> str:
    if result.hum_hz is None or result.hum_prominence_db is None:
        return ""
    return f"{result.hum_hz:.0f} Hz mains, {result.hum_prominence_db:.0f} dB above what is beside it"


def _net_subject(result: NetCheckResult) -> str:
    what = "edge" if all(edge.is_edge for edge in result.edges) else "target"
    count = len(result.edges)
    return f"{count} {what}{'s' if count != 1 else ''}, STUN over UDP, {result.requested_s:g} s"


def _net(result: NetCheckResult) -> Iterator[RenderableType]:
    answered = [edge for edge in result.edges if edge.stun is not None and edge.stun.received]
    if answered:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
        table.add_column("", no_wrap=True, overflow="ellipsis", min_width=8)
        for title in ("rtt ms", "p95", "jitter", "lost", "late", "MOS", "SDK's"):
            table.add_column(title, justify="right", no_wrap=True)
        for edge in sorted(answered, key=_best_first):
            table.add_row(*_edge_row(edge, edge.edge == result.best_edge))
        yield _indented(table)
        mos = "ITU-T G.107 for PCMU" if result.codec == "pcmu" else "the ITU gives none for Opus"
        best = "* best score. " if result.best_edge is not None and len(answered) > 1 else ""
        yield _indented(Text(f"{best}MOS: {mos}; SDK's: the formula of Twilio's JS SDK"))
    for edge in answered:
        for note in _net_notes(edge):
            yield _indented(_hanging(Text(f"{visible(edge.edge, 24)}: "), note))
    silent = [edge for edge in result.edges if edge not in answered]
    width = max((len(visible(edge.edge, 24)) for edge in silent), default=0)
    for edge in silent:
        yield _indented(_hanging(Text(f"{visible(edge.edge, 24):{width}}  "), _why_silent(edge)))
    for text in result.unproven:
        yield _indented(_hanging(Text("Not proven: "), visible(text)))


WHY_NO_NAME = {
    "not-found": "the name does not exist",
    "temporary": "the name server could not say",
    "timeout": "the name server did not answer",
    "invalid": "no valid name",
    "failed": "the name could not be looked up",
}
WHY_NO_ANSWER = {
    "refused": "UDP refused",
    "timeout": "no answer over UDP",
    "unreachable": "no route",
    "send-failed": "the system would not send",
    "bad-answers": "answers, but none to what was asked",
}


def _why_silent(edge: EdgeResult) -> str:
    if edge.stun is None:
        return f"{visible(edge.host)}: {WHY_NO_NAME[edge.dns_error or 'failed']}"
    stun = edge.stun
    if stun.reason is None:
        return f"no answer yet when stopped, {stun.open} probes open" if stun.open else "nothing was sent"
    said = f"STUN error {', '.join(map(str, stun.error_codes))}" if stun.error_codes else stun.detail
    detail = f" ({visible(said)})" if said else ""
    others = f"; none of its {len(edge.tried)} addresses answered" if len(edge.tried) > 1 else ""
    place = f"{visible(stun.address)} port {stun.port}"
    return f"{WHY_NO_ANSWER[stun.reason]}{detail}, {stun.sent} sent to {place}{others}"


def _net_notes(edge: EdgeResult) -> Iterator[str]:
    """What the table's row cannot say of a path that answered."""
    stun = edge.stun
    assert stun is not None
    if edge.tried and edge.tried[0] != stun.address:
        yield f"{visible(edge.tried[0])} gave no sound answer; {visible(stun.address)} was measured"
    if stun.closed is not None:
        since = f"{stun.closed.probes} probes since then, none answered"
        yield f"answered until {stun.closed.after_ms / 1000:.1f} s, then {stun.closed.reason}; {since}"
    if stun.errors:
        codes = ", ".join(str(code) for code in stun.error_codes)
        yield f"{stun.errors} of {stun.sent} probes answered by a STUN error ({codes})"
    if stun.unsent:
        why = "this machine was too late for them" if stun.skipped * 2 > stun.unsent else "the system did not take them"
        yield f"{stun.unsent} of {stun.sent + stun.unsent} probes not sent: {why}"


def _best_first(edge: EdgeResult) -> tuple[bool, float]:
    rtt = edge.stun.rtt_ms if edge.stun is not None else None
    return (rtt is None, rtt.median if rtt is not None else 0.0)


def _edge_row(edge: EdgeResult, best: bool) -> tuple[Text, ...]:
    name = Text(f"{'*' if best else ' '}{visible(edge.edge, 24)}", "bold" if best else "")
    stun = edge.stun
    assert stun is not None
    return (
        name,
        Text(DASH if stun.rtt_ms is None else _ms(stun.rtt_ms.median)),
        Text(DASH if stun.rtt_ms is None else _ms(stun.rtt_ms.p95)),
        Text(DASH if stun.jitter_ms is None else _ms(stun.jitter_ms.mean)),
        Text(f"{stun.lost}/{stun.sent}"),
        Text(str(stun.late)),
        Text(DASH if stun.mos is None else f"{stun.mos:.2f}"),
        Text(DASH if stun.mos_twilio is None else f"{stun.mos_twilio:.2f}"),
    )


# --- findings ---------------------------------------------------------------------------------------------------------


def _finding(finding: Finding, said: set[str | None]) -> Iterator[RenderableType]:
    """A finding with its evidence, without what was `said` above it already."""
    label = Text(f"{finding.severity.upper():4}  ", SEVERITY_STYLE[finding.severity])
    title = visible(finding.title)
    if finding.subject is not None and finding.subject not in finding.title:
        title += f": {visible(finding.subject)}"
    yield _hanging(label, f"{title}  [{finding.id}]")
    lines: list[RenderableType] = [
        Text(_evidence(evidence))
        for evidence in finding.evidence
        if evidence.value is None or evidence.value not in said
    ]
    raised = _raised(finding)
    if raised:
        lines.append(Text(raised))
    lines += [_hanging(Text(f"{number}. "), visible(fix, 600)) for number, fix in enumerate(finding.fixes, 1)]
    lines += [_hanging(Text("Confirm: "), visible(command)) for command in finding.confirm]
    yield _indented(Group(*lines), 6)


def _evidence(evidence: Evidence) -> str:
    value = evidence.value
    if value is None:
        text = f"{evidence.metric} not measured"
    else:
        shown = _compact(value) if isinstance(value, int | float) else visible(str(value))
        text = f"{evidence.metric} {shown} {evidence.unit}".rstrip()
    if evidence.threshold is not None:
        text += f", limit {_compact(evidence.threshold)}"
        if evidence.source:
            text += f" ({visible(evidence.source)})"
    if evidence.note:
        text += f"; {visible(evidence.note)}"
    return text


def _raised(finding: Finding) -> str:
    parts = [", ".join(str(code) for code in finding.codes)] if finding.codes else []
    if finding.warnings:
        parts.append(f"SDK warning {', '.join(finding.warnings)}")
    raised = "; ".join(parts)
    return f"In a call: {raised}" if raised else ""


def _compact(value: float) -> str:
    return f"{value:.4g}" if value % 1 else f"{value:.0f}"


def _ms(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _number(value: float | None, unit: str, digits: int = 1) -> str:
    return DASH if value is None else f"{value:.{digits}f} {unit}"


def _percent(ratio: float | None, digits: int = 0) -> str:
    return DASH if ratio is None else f"{100 * ratio:.{digits}f} %"
