"""How sure the loopback test is: delays, levels and distortion known by construction, and real streams.

`python bench/acoustic.py` takes about a minute and needs PulseAudio. It prints Markdown tables of what was seen and
ends with 1 where something asked for was not met.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.audio.signals import noise, sine, talk
from tests.audio.test_acoustic_on_virtual_sound import delayed
from tests.audio.test_echo import found, heard, other_sound
from tests.rigs.sound import VirtualSound

from voicediag.audio.blocks import Signal
from voicediag.audio.duplex import heard_tone
from voicediag.audio.echo import FOUND_DB, find_tone, tone

DELAY_MS, THDN_DB = 1.0, -80.0
SEEDS = range(20)
failures: list[str] = []


def row(*cells: str) -> None:
    """Print one line of a Markdown table."""
    print("| " + " | ".join(cells) + " |")


def met(what: str, *, ok: bool) -> None:
    """Note a failure."""
    if not ok:
        failures.append(what)


def nothing_there() -> None:
    """What other sound reaches of the ratio by which the probe is known."""
    print(f"\nPeak-to-sidelobe ratio without a probe (found from {FOUND_DB:g} dB), {len(SEEDS)} recordings each:\n")
    row("sound", "median dB", "highest dB")
    row(*["---"] * 3)
    for kind in ("white", "pink", "brown", "speech", "tone", "hum", "sweep", "clicks"):
        ratios = [found(other_sound(kind, seed)).peak_to_sidelobe_db for seed in SEEDS]
        row(kind, f"{statistics.median(ratios):.1f}", f"{max(ratios):.1f}")
        met(f"{kind} is taken for the probe", ok=max(ratios) < FOUND_DB)


def in_noise() -> None:
    """How loud other sound may be for the probe to be found, and how well."""
    print("\nThe probe in other sound, its level over that sound's; worst of 20:\n")
    row("over the sound", "sound", "found", "delay error ms", "level error dB")
    row(*["---"] * 5)
    for snr_db in (20, 0, -10, -15, -20):
        for kind in ("pink", "speech"):
            errors = []
            for seed in SEEDS:
                level = 10 ** (-(snr_db + 5.45) / 20)
                other = talk(3, rms=level, seed=seed) if kind == "speech" else noise(3, rms=level, slope=1, seed=seed)
                arrival = found(heard(0.6, background=other))
                if arrival.is_found and arrival.level_dbfs is not None:
                    errors.append((abs(1000 * arrival.at / 48000 - 600), abs(arrival.level_dbfs + 5.45)))
            late, off = (f"{max(column):.2f}" for column in zip(*errors, strict=True)) if errors else ("–", "–")
            row(f"{snr_db} dB", kind, f"{len(errors)}/{len(SEEDS)}", late, off)
            met(f"delay in {kind} at {snr_db} dB", ok=all(error <= DELAY_MS for error, _ in errors))


def distortion() -> None:
    """THD+N of a clean tone, and of tones that an amplifier overdrives."""
    print("\nA tone of 1 kHz as it comes, and the harmonics that it was given:\n")
    row("tone", "THD+N dB", "distortion dB", "in a room at −45 dBFS: THD+N dB", "distortion dB")
    row(*["---"] * 5)

    def told(x: Signal, noise_dbfs: float) -> tuple[str, str, float]:
        got = find_tone(x, 48000, 1000.0)
        assert got is not None
        distortion_db = heard_tone(got, noise_dbfs).distortion_db
        return f"{got.thdn_db:.1f}", "–" if distortion_db is None else f"{distortion_db:.1f}", got.thdn_db

    clean = np.pad(0.3 * tone(1000.0, 3.0, 48000), 48000)
    kinds: list[tuple[str, Signal]] = [
        ("clean", clean),
        ("clean, 16 bit", np.round(clean * 32768) / 32768),
        *(
            (f"overdriven by {db} dB, hard", np.clip(clean, -c, c))
            for db in (1, 3, 6)
            for c in [0.3 * 10 ** (-db / 20)]
        ),
        *((f"overdriven by {db} dB, soft", 0.3 * np.tanh(clean / 0.3 * 10 ** (db / 20))) for db in (-6, 0, 6)),
        ("harmonics 1 % each", clean + np.pad(sine(2000, 3, amplitude=0.003) + sine(3000, 3, amplitude=0.003), 48000)),
    ]
    room = noise(5, rms=10 ** (-45 / 20), slope=1)
    for name, x in kinds:
        alone, apart, thdn_db = told(x, -120.0)
        loud, loud_apart, _ = told(x + room, -45.0)
        row(name, alone, apart, loud, loud_apart)
        if name.startswith("clean"):
            met(f"THD+N of a tone, {name}: {thdn_db:.1f}", ok=thdn_db <= THDN_DB)


def on_streams() -> None:
    """Real streams over virtual sound: how repeatable, and what a known delay adds."""
    print("\nThrough PulseAudio at 48 kHz, directly and through a sink that adds a known delay:\n")
    row("way", "round trip ms", "more than without ms", "scatter ms", "return loss dB", "THD+N dB")
    row(*["---"] * 6)

    def trip(name: str, way: str, base_ms: float | None = None) -> float:
        done = sound.voicediag(
            *("loopback-test", "--json", "--rate", "48000", "--duration", "5"), "--output-device", name
        )
        result = json.loads(done.stdout)["attempts"][0]["result"]
        trip_ms = float(result["round_trip_ms"])
        more = "" if base_ms is None else f"{trip_ms - base_ms:.2f}"
        scatter, loss = result["round_trip_scatter_ms"], result["echo_return_loss_db"]
        row(way, f"{trip_ms:.2f}", more, f"{scatter:.2f}", f"{loss:.2f}", f"{result['tone']['thdn_db']:.1f}")
        return trip_ms

    with VirtualSound() as sound:
        speaker = sound.add_speaker("Desk Speaker")
        sound.add_ear("Desk Mic", speaker)
        trips = [trip(speaker.name, "direct") for _ in range(4)]
        with delayed(sound, speaker, 0) as name:
            base_ms = statistics.mean(trip(name, "convolving sink, no delay") for _ in range(2))
        for added_ms in (50, 100, 300):
            with delayed(sound, speaker, 48 * added_ms) as name:
                trip(name, f"convolving sink, {added_ms} ms", base_ms)
    met(f"direct runs differ by {max(trips) - min(trips):.2f} ms", ok=max(trips) - min(trips) <= DELAY_MS)


def main() -> int:
    """Print all tables; 1 where something was not met."""
    nothing_there()
    in_noise()
    distortion()
    on_streams()
    for failure in failures:
        print(f"NOT MET: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
