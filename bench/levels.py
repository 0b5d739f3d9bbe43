"""How true the levels are: beside `sox … stats`, beside ITU-T P.56 computed by the letter, and what an hour costs.

`python bench/levels.py` takes about two minutes and needs sox and espeak-ng. It prints Markdown tables of what was seen
beside what was asked for, and ends with 1 where something was not met.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.audio.signals import noise, sine
from tests.audio.test_speech import by_the_letter

from voicediag.audio.blocks import Signal
from voicediag.audio.mic import measure
from voicediag.audio.speech import ActiveLevel
from voicediag.model.control import Control
from voicediag.model.request import MicTestRequest

LEVEL_DB, DC, P56_DB, TIMES_SOX, MEMORY_MIB = 0.1, 0.0001, 0.5, 12.0, 300.0
TEXT = "The quick brown fox jumps over the lazy dog. Please call me back tomorrow about the invoice that you sent."
VOICES = ("en", "en-us+f3", "de", "fr+m4", "ja")

failures: list[str] = []


def judged(what: str, difference: float, limit: float) -> str:
    """Note a failure, and return the difference for a table."""
    if not abs(difference) <= limit:
        failures.append(f"{what}: {difference:+.4f}, at most ±{limit}")
    return f"{difference:+.3f}" if limit >= 0.01 else f"{difference:+.6f}"


def spoken(voice: str, directory: Path, rate_hz: int) -> Signal:
    """A sentence by espeak-ng at a peak of −3 dBFS."""
    raw = directory / "voice.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(raw), TEXT], check=True)
    subprocess.run(
        ["sox", "-D", str(raw), "-e", "float", "-b", "32", "-r", str(rate_hz), str(directory / "at.wav"), "norm", "-3"],
        check=True,
    )
    samples: Signal = soundfile.read(directory / "at.wav")[0]
    return samples


def recordings(directory: Path) -> list[tuple[str, Path]]:
    """Known recordings in many formats: what is in them, and where."""
    speech = spoken("en", directory, 48000)
    kinds: dict[str, tuple[Signal, int, str, str]] = {
        "sine −9 dBFS": (sine(1000, 5, amplitude=0.5), 48000, "wav", "PCM_16"),
        "speech": (speech, 48000, "wav", "PCM_16"),
        "speech, 30 dB down, DC 0.02": (speech * 0.03 + 0.02, 48000, "wav", "PCM_24"),
        "speech, 60 dB down": (speech * 0.001, 48000, "wav", "PCM_16"),
        "speech, clipped": (np.clip(speech * 4, -0.999, 0.999), 44100, "flac", "PCM_16"),
        "speech, 8 bit": (spoken("de", directory, 8000), 8000, "wav", "PCM_U8"),
        "speech, μ-law": (spoken("fr", directory, 8000), 8000, "wav", "ULAW"),
        "speech, float": (speech * 0.5, 16000, "wav", "FLOAT"),
        "white noise": (noise(5, 96000, 0.1), 96000, "aiff", "PCM_24"),
        "pink noise, DC −0.3": (noise(5, 192000, 0.05, slope=1) - 0.3, 192000, "wav", "PCM_32"),
        "two channels": (np.column_stack((speech * 0.2, speech * 0.7 + 0.01)), 44100, "wav", "PCM_16"),
        "silence": (np.zeros(48000), 48000, "wav", "PCM_16"),
        "one sample": (np.full(1, 0.25), 48000, "wav", "PCM_16"),
    }
    made: list[tuple[str, Path]] = []
    for name, (samples, rate_hz, container, subtype) in kinds.items():
        path = directory / f"{len(made)}.{container}"
        soundfile.write(path, samples, rate_hz, subtype=subtype)
        made.append((f"{name}, {rate_hz} Hz, {subtype}", path))
    return made


def sox_stats(path: Path) -> dict[str, list[float]]:
    """What sox says, a list of channels each; −inf is its silence."""
    done = subprocess.run(["sox", str(path), "-n", "stats"], capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = {}
    for line in done.stderr.splitlines():
        for label in ("DC offset", "Pk lev dB", "RMS lev dB"):
            if line.startswith(label):
                numbers = [float(word) for word in line.removeprefix(label).split()]
                found[label] = numbers if len(numbers) == 1 else numbers[1:]
    return found


def row(*cells: str) -> None:
    """Print one line of a Markdown table."""
    print("| " + " | ".join(cells) + " |")


def beside_sox(directory: Path) -> None:
    """Levels of known recordings: ours less sox's."""
    print("\nLess sox's:\n")
    row("recording", "RMS dBFS", f"RMS (≤ {LEVEL_DB})", f"peak (≤ {LEVEL_DB})", f"DC (≤ {DC})")
    row(*["---"] * 5)
    for name, path in recordings(directory):
        ours = measure(MicTestRequest(file=str(path)), Control()).channels
        theirs = sox_stats(path)
        for channel, levels in enumerate(ours):
            rms, peak = (max(-120.0, theirs[label][channel]) for label in ("RMS lev dB", "Pk lev dB"))
            row(
                name if len(ours) == 1 else f"{name}, channel {channel + 1}",
                f"{levels.rms_dbfs:.2f}",
                judged(name, levels.rms_dbfs - rms, LEVEL_DB),
                judged(name, levels.peak_dbfs - peak, LEVEL_DB),
                judged(name, levels.dc_offset - theirs["DC offset"][channel], DC),
            )


def active_level(x: Signal, rate_hz: int) -> float:
    """Our P.56 level."""
    meter = ActiveLevel(rate_hz)
    for start in range(0, len(x), rate_hz):
        meter.add(x[start : start + rate_hz])
    found = meter.result()
    assert found is not None
    return found[0]


def beside_p56(directory: Path) -> None:
    """The active speech level where it is known, and beside the standard computed sample by sample."""
    print("\nP.56 active speech level, known by construction or computed by the letter, and ours less that:\n")
    row("signal", "dBFS", f"ours (≤ {P56_DB} dB)")
    row(*["---"] * 3)
    rate_hz = 16000

    def compare(name: str, x: Signal, expected: float) -> None:
        row(name, f"{expected:.2f}", judged(f"P.56, {name}", active_level(x, rate_hz) - expected, P56_DB))

    for level in (-10, -26, -46, -66):
        compare("noise without a pause", noise(10, rate_hz, 10 ** (level / 20)), level)
    for pause_s in (1, 5, 20):
        pause = np.zeros(pause_s * rate_hz)
        x = np.concatenate([np.concatenate((noise(5, rate_hz, 0.05, seed=n), pause)) for n in range(3)])
        compare(f"5 s of noise at −26.02, {pause_s} s of silence, …", x, by_the_letter(x, rate_hz)[0])
    for voice in VOICES:
        speech = spoken(voice, directory, rate_hz)
        room = noise(len(speech) / rate_hz, rate_hz, 10 ** (-50 / 20))
        for name, x in (
            ("", speech),
            (", 30 dB down", speech * 10**-1.5),
            (", noise at −50 dBFS", speech * 0.3 + room),
        ):
            compare(f"voice {voice}{name}", x, by_the_letter(x, rate_hz)[0])


def timed(command: list[str]) -> float:
    """Wall time of a process to its end."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 1), command
    return time.perf_counter() - begin


def peak_memory_mib(path: Path) -> float:
    """Highest resident memory of `mic-test --file`, by its own account: a parent's would count in `getrusage`."""
    code = (
        "import atexit, sys; from pathlib import Path; from voicediag.cli import main\n"
        "status = Path('/proc/self/status')\n"
        "atexit.register(lambda: sys.stderr.write(status.read_text()))\n"
        "sys.argv = ['voicediag', 'mic-test', '--json', '--quiet', '--file', sys.argv[1]]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def an_hour(directory: Path) -> None:
    """Time and memory of an hour of 48 kHz mono, beside sox on the same file in the same run."""
    print("\n48 kHz, mono, 16 bit; medians of three, peak memory of the whole process:\n")
    row("recording", "sox s", "ours s", f"ratio (≤ {TIMES_SOX:.0f})", f"MiB (≤ {MEMORY_MIB:.0f})")
    row(*["---"] * 5)
    speech = spoken("en", directory, 48000)
    for name, minutes, samples in (
        ("speech, 5 minutes", 5, speech),
        ("speech, 1 hour", 60, speech),
        ("speech, clipped, 1 hour", 60, np.clip(speech * 4, -0.8, 0.8)),
        ("pink noise, 1 hour", 60, noise(60, 48000, 0.05, slope=1)),
    ):
        path = directory / "long.wav"
        with soundfile.SoundFile(path, "w", 48000, 1, "PCM_16") as file:
            for _ in range(math.ceil(minutes * 60 * 48000 / len(samples))):
                file.write(samples)
        command = [sys.executable, "-m", "voicediag", "mic-test", "--json", "--file", str(path)]
        # In turn, so that a change of the machine's speed meets both.
        times = [(timed(["sox", str(path), "-n", "stats"]), timed(command)) for _ in range(3)]
        sox_s, ours_s = (statistics.median(column) for column in zip(*times, strict=True))
        memory = peak_memory_mib(path)
        if minutes == 60 and not (ours_s <= TIMES_SOX * sox_s and memory <= MEMORY_MIB):
            failures.append(f"{name}: {ours_s / sox_s:.1f} × sox, {memory:.0f} MiB")
        row(name, f"{sox_s:.2f}", f"{ours_s:.2f}", f"{ours_s / sox_s:.1f}", f"{memory:.0f}")
        path.unlink()


def main() -> int:
    """Print all tables; 1 where something was not met."""
    with tempfile.TemporaryDirectory(prefix="levels-") as name:
        directory = Path(name)
        beside_sox(directory)
        beside_p56(directory)
        an_hour(directory)
    for failure in failures:
        print(f"NOT MET: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
