"""Findings of `devices`."""

from __future__ import annotations

from msgspec.structs import replace

from voicediag.judge.streams import failed
from voicediag.judge.thresholds import OWN
from voicediag.model.finding import Direction, Evidence, Finding
from voicediag.model.request import DevicesRequest
from voicediag.model.results.audio import DevicesResult, Endpoint


def judge_devices(request: DevicesRequest, result: DevicesResult) -> tuple[Finding, ...]:
    """Judge what is there against what a call needs and what was expected."""
    full = {kind: [each.name for each in result.endpoints if each.kind == kind] for kind in ("input", "output")}
    inputs = [device.name for device in result.devices if device.inputs]
    outputs = [device.name for device in result.devices if device.outputs]
    findings: list[Finding] = []
    if request.kinds != "outputs" and not inputs:
        findings.append(_none_there("audio.no-input", "inputs"))
    if request.kinds != "inputs" and not outputs:
        findings.append(_none_there("audio.no-output", "outputs"))
    expectations: tuple[tuple[Direction, tuple[str, ...], list[str]], ...] = (
        ("input", request.expect_inputs, [*dict.fromkeys((*full["input"], *inputs))]),
        ("output", request.expect_outputs, [*dict.fromkeys((*full["output"], *outputs))]),
    )
    for direction, expected, names in expectations:
        findings += [_missing(direction, wanted, names) for wanted in expected if not _is_among(wanted, names)]
    findings += [found for endpoint in result.endpoints if (found := _unusable(request, endpoint)) is not None]
    return tuple(findings)


def _unusable(request: DevicesRequest, endpoint: Endpoint) -> Finding | None:
    """Fail for a device that a call would take, or that was expected; only mention others.

    A socket with nothing in it and a device that a configuration names without there being one are no news unless a
    call would take them.
    """
    expected = request.expect_inputs if endpoint.kind == "input" else request.expect_outputs
    is_taken = (
        endpoint.is_default
        or endpoint.is_communications
        or any(wanted.strip().casefold() in endpoint.name.casefold() for wanted in expected)
    )
    if request.kinds not in ("all", f"{endpoint.kind}s") and not is_taken:
        return None
    if endpoint.failure == "absent" and not is_taken:
        return None
    finding = failed("devices", endpoint.kind, endpoint.failure, endpoint.failure_detail, endpoint.name)
    if finding is not None and not is_taken:
        return replace(finding, severity="info")
    return finding


def _none_there(finding: str, metric: str) -> Finding:
    evidence = Evidence(metric, 0, "", 1, OWN)
    return Finding(id=finding, severity="fail", check="devices", evidence=(evidence,))


def _is_among(wanted: str, names: list[str]) -> bool:
    asked = wanted.strip().casefold()
    return any(asked in name.casefold() for name in names)


def _missing(direction: Direction, wanted: str, names: list[str]) -> Finding:
    there = Evidence("present", ", ".join(names) or "none", "")
    return Finding(
        id="audio.device-missing",
        severity="fail",
        check="devices",
        subject=wanted,
        direction=direction,
        evidence=(Evidence(f"expected_{direction}", wanted, "", note="no device has this in its name"), there),
    )
