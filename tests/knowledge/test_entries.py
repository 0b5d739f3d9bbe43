"""What the entries must hold: every code, symptom and finding that the product speaks of, complete for its tier."""

from __future__ import annotations

from pathlib import Path

import pytest

from voicediag.knowledge import build, store
from voicediag.knowledge.entry import Entry

# The codes of the user's documents.
USERS = {
    *(10001, 20003, 20005, 21201, 21202, 21203, 21210, 21211, 21212, 21213, 21214, 21215, 21217),
    *(31201, 31208, 31402, 31403, 32205),
}
# The headings of document 002, and the network conditions.
SYMPTOMS = {
    *("cannot-establish-call", "no-audio", "one-way-audio", "audio-cutting-out", "garbled-audio", "delayed-audio"),
    *("microphone-level-changes", "choppy-robotic-audio", "echo", "volume", "static", "failed-api-request"),
    *("latency", "jitter", "packet-loss"),
}
# The table of findings of the contract: codes that each raises, and SDK warnings.
FINDINGS: dict[str, tuple[set[int], set[str]]] = {
    "audio.no-portaudio": (set(), set()),
    "audio.no-input": ({31402, 31201}, set()),
    "audio.no-output": ({31403}, set()),
    "audio.device-missing": ({31402, 31403}, set()),
    "audio.device-busy": ({31402}, set()),
    "audio.rate-unsupported": ({31402}, set()),
    "audio.permission-denied": ({31401, 31208}, set()),
    "audio.device-lost": ({31402, 31403}, set()),
    "audio.file-unreadable": (set(), set()),
    "audio.stream-failed": ({31402}, set()),
    "mic.silent": (set(), {"constant-audio-input-level"}),
    "mic.no-speech": (set(), set()),
    "mic.too-quiet": (set(), set()),
    "mic.too-loud": (set(), set()),
    "mic.clipping": (set(), set()),
    "mic.noisy": (set(), set()),
    "mic.hum": (set(), set()),
    "mic.dropouts": (set(), set()),
    "mic.gain-pumping": (set(), set()),
    "mic.dc-offset": (set(), set()),
    "mic.narrowband": (set(), set()),
    "mic.dead-channel": (set(), set()),
    "mic.constant-level": (set(), {"constant-audio-input-level"}),
    "mic.overflow": (set(), set()),
    "mic.tone-missing": (set(), set()),
    "speaker.no-signal": (set(), set()),
    "speaker.distorted": (set(), set()),
    "loopback.no-signal": (set(), set()),
    "loopback.echo": (set(), set()),
    "loopback.delay": (set(), set()),
    "net.dns-failure": ({31005, 53000, 31530}, set()),
    "net.dns-slow": (set(), set()),
    "net.address-unexpected": (set(), set()),
    "net.signalling-blocked": ({31005, 31009, 53000}, set()),
    "net.tls-intercepted": ({31005, 31009, 53000}, set()),
    "net.websocket-blocked": ({31005, 31009, 53000}, set()),
    "net.udp-blocked": ({53405, 31003}, {"ice-connectivity-lost"}),
    # Two beyond the contract's table, which has no words for either: UDP comes through but the answers are none, and
    # the machine itself would not send. Blocked is neither.
    "net.bad-answers": (set(), set()),
    "net.not-sent": (set(), set()),
    "net.turn-udp-blocked": ({53405}, set()),
    "net.turn-tcp-blocked": ({53405}, set()),
    "net.turn-tls-blocked": ({53405}, set()),
    "net.turn-unreachable": ({53405}, set()),
    "net.turn-auth-failed": ({53405}, set()),
    "net.high-latency": (set(), {"high-rtt"}),
    "net.high-jitter": (set(), {"high-jitter"}),
    "net.packet-loss": (set(), {"high-packet-loss", "high-packets-lost-fraction"}),
    "net.burst-loss": (set(), set()),
    "net.reordering": (set(), set()),
    "net.low-mos": (set(), {"low-mos"}),
    "net.bufferbloat": (set(), set()),
    "net.low-bandwidth": (set(), set()),
    "net.symmetric-nat": (set(), set()),
    "net.far-edge": (set(), set()),
    "net.local-segment": (set(), set()),
    "net.probe-throttled": (set(), set()),
    "net.clock-step": (set(), set()),
    "net.timer-late": (set(), set()),
    "host.cpu-busy": (set(), set()),
    "host.memory-low": (set(), set()),
    "host.wifi": (set(), set()),
    "host.vpn": (set(), set()),
    "account.auth-failed": ({20003}, set()),
    "account.inactive": ({10001, 20005}, set()),
    "account.trial": ({10002}, set()),
    "account.low-balance": ({20005}, set()),
    "account.rate-limited": ({20429}, set()),
    "account.from-invalid": ({21212, 21213}, set()),
    "account.from-not-owned": ({21210}, set()),
    "account.to-missing": ({21201}, set()),
    "account.to-invalid": ({21211, 21217}, set()),
    "account.to-unsupported": ({21202, 13224}, set()),
    "account.geo-permission": ({21215, 21203, 13227, 32205}, set()),
}
TOKEN_FINDINGS = {
    *("malformed", "wrong-type", "expired", "not-yet-valid", "lifetime-too-long", "no-voice-grant", "bad-issuer"),
    *("bad-signature", "no-identity", "region-mismatch", "clock-skew", "no-outgoing"),
}
TOKEN_CODES = {*range(20101, 20108), 20157, *range(31202, 31206), 51007}
CALL_FINDINGS = {"high-jitter", "high-latency", "packet-loss", "low-mos", "silence", "failed"}
IDS = {*FINDINGS, *(f"token.{name}" for name in TOKEN_FINDINGS), *(f"call.{name}" for name in CALL_FINDINGS)}


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    return {entry.id: entry for entry in store.everything()}


def test_the_entries_are_in_order_and_the_index_is_fresh() -> None:
    """All that `build` refuses: forms, tiers, sources, texts that more than three codes share. And related names."""
    built, missing = build.build()
    assert missing == []
    assert build.stale(built, Path(store.path(""))) == [], "run python -m voicediag.knowledge.build"


def test_the_users_codes_are_known_in_depth(entries: dict[str, Entry]) -> None:
    assert {code for code in USERS if entries[str(code)].tier == "deep"} == USERS
    assert len(USERS) == 18


def test_the_symptoms_are_those_of_the_contract(entries: dict[str, Entry]) -> None:
    assert {entry.id for entry in entries.values() if entry.kind == "symptom"} == SYMPTOMS


def test_every_finding_has_words_and_no_other_has(entries: dict[str, Entry]) -> None:
    assert {entry.id for entry in entries.values() if entry.kind == "finding"} == IDS


@pytest.mark.parametrize("finding", sorted(FINDINGS))
def test_a_finding_raises_the_codes_and_warnings_of_the_contract(entries: dict[str, Entry], finding: str) -> None:
    entry = entries[finding]
    assert (set(entry.all_codes), set(entry.warnings)) == FINDINGS[finding]


@pytest.mark.parametrize("finding", sorted(f"token.{name}" for name in TOKEN_FINDINGS))
def test_a_finding_on_a_token_raises_codes_of_tokens_only(entries: dict[str, Entry], finding: str) -> None:
    assert set(entries[finding].all_codes) <= TOKEN_CODES


def test_both_readings_of_31403_stand_side_by_side(entries: dict[str, Entry]) -> None:
    twilio, users = entries["31403"].readings
    assert "Twilio's dictionary" in twilio.source
    assert "undated article" in users.source
    for reading in (twilio, users):
        assert reading.causes
        assert reading.fixes
        assert reading.tell_apart


@pytest.mark.parametrize(("old", "new"), [("31201", "31402"), ("31208", "31401"), ("31003", "53405")])
def test_a_renumbered_code_names_the_other_both_ways(entries: dict[str, Entry], old: str, new: str) -> None:
    for name, other in ((old, new), (new, old)):
        entry = entries[name]
        spoken = [part for reading in entry.readings for part in (reading.summary, reading.sdk or "")]
        assert other in " ".join(spoken), f"{name} does not speak of {other}"
        assert int(other) in entry.related


def test_each_family_is_the_beginning_of_a_code() -> None:
    prefixes = [family.prefix for family in store.names().families]
    assert all(prefix.isdigit() and 2 <= len(prefix) <= 4 for prefix in prefixes)
    assert len(prefixes) == len(set(prefixes))


def test_a_code_has_a_family(entries: dict[str, Entry]) -> None:
    families = tuple(family.prefix for family in store.names().families)
    homeless = [entry.id for entry in entries.values() if entry.kind == "code" and not entry.id.startswith(families)]
    assert homeless == []
