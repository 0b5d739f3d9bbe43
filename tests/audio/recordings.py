"""Two families of recordings with known faults: `first` was used to set limits, `second` never was.

They share only the tools in voices.py: voices, noises, rooms and the shapes of the faults differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from tests.audio.voices import Voice, coloured, decibels, fan, in_box, in_room, music, resampled, talking
from voicediag.audio.blocks import Signal

Severity = Literal["clear", "slight"]
Random = np.random.Generator

FIRST_VOICES = (
    Voice("en", "The quick brown fox jumps over the lazy dog. Please call me back tomorrow about the invoice."),
    Voice("en-us+f3", "Hello, this is a test of my microphone. One, two, three, four, five, six, seven.", 150, 60),
    Voice("de", "Guten Tag, ich möchte gerne wissen, wann meine Bestellung endlich ankommt.", 160, 40),
    Voice("fr+m4", "Bonjour, pouvez-vous me rappeler demain matin au sujet de la facture, s'il vous plaît?", 175),
    Voice("en-gb+f5", "She sells sea shells on the sea shore, and they said it has been a good season.", 190, 70),
    Voice("en+m3", "My number is zero one six three, double nine, and I would like to speak to sales.", 140, 30),
)
SECOND_VOICES = (
    Voice("es+f2", "Buenos días, quería preguntar por el estado de mi pedido y cuándo puedo recogerlo.", 170, 55),
    Voice("it+m7", "Pronto, vorrei parlare con qualcuno del servizio clienti, se possibile adesso.", 150, 35),
    Voice("pt+f4", "Bom dia, a minha ligação caiu duas vezes esta semana e ninguém respondeu.", 180, 65),
    Voice("pl+m1", "Dzień dobry, chciałbym się dowiedzieć, kiedy przyjdzie moja przesyłka.", 160, 45),
    Voice("sv+m6", "Hej, jag undrar om ni kan hjälpa mig med min faktura och min telefon.", 145, 50),
    Voice(
        "en-us+klatt2",
        "This is a longer sentence, spoken in one breath, so that there is something to measure.",
        165,
        50,
    ),
)


class Made(NamedTuple):
    """A recording and what is wrong with it: the findings that must be, and those that may be beside them."""

    name: str
    fault: str
    severity: Severity
    samples: Signal
    """[frames] or [frames, channels]"""
    rate_hz: int
    beside: tuple[str, ...] = ()


class Family(NamedTuple):
    """What a family makes its recordings of."""

    name: str
    voices: tuple[Voice, ...]
    seed: int
    room: Callable[[Signal, int, Random], Signal]
    noise: Callable[[float, int, Random], Signal]
    faults: dict[str, Callable[[Base, Severity, float, Random], Signal]]


class Base(NamedTuple):
    """A healthy recording, its parts still apart."""

    speech: Signal
    noise: Signal
    rate_hz: int

    @property
    def whole(self) -> Signal:
        """Speech in its noise."""
        return self.speech + self.noise


RATES = (48000, 44100, 16000)
FAULTS = (
    "mic.silent",
    "mic.no-speech",
    "mic.too-quiet",
    "mic.too-loud",
    "mic.clipping",
    "mic.noisy",
    "mic.hum",
    "mic.dropouts",
    "mic.gain-pumping",
    "mic.dc-offset",
    "mic.narrowband",
    "mic.dead-channel",
    "mic.constant-level",
)
BESIDE: dict[str, tuple[str, ...]] = {
    # Without speech for ten seconds the level does not move, and noise is judged by its level alone.
    "mic.no-speech": ("mic.constant-level", "mic.noisy"),
    "mic.constant-level": ("mic.no-speech", "mic.noisy", "mic.hum"),
    "mic.too-quiet": ("mic.noisy", "mic.constant-level"),
    "mic.too-loud": ("mic.clipping",),
    "mic.clipping": ("mic.too-loud",),
    # What is pumped up at its loudest is too loud for the converter.
    "mic.gain-pumping": ("mic.clipping", "mic.too-loud"),
    "mic.hum": ("mic.noisy",),
    "mic.noisy": ("mic.no-speech", "mic.constant-level"),
}
"""Findings that may come with a fault because they are true of it too."""


def base(family: Family, number: int, random: Random, level_dbfs: float = -26.0, snr_db: float = 40.0) -> Base:
    """A healthy recording: 12 s of a voice, every second one in a room, with its noise."""
    rate_hz = RATES[number % len(RATES)]
    voice = family.voices[number % len(family.voices)]
    speech = talking(voice, 12.0, rate_hz, pause_s=random.uniform(0.3, 1.2), lead_s=random.uniform(0.1, 0.8))
    if number % 2:
        speech = family.room(speech, rate_hz, random)
    speech = np.clip(speech * decibels(level_dbfs), -0.98, 0.98)
    return Base(speech, family.noise(12.0, rate_hz, random) * decibels(level_dbfs - snr_db), rate_hz)


def sixteen_bits(x: Signal) -> Signal:
    """`x` as a 16-bit converter gives it."""
    rounded: Signal = np.clip(np.rint(x * 32768), -32768, 32767) / 32768
    return rounded


def faulty(family: Family, fault: str, count: int) -> Iterator[Made]:
    """`count` recordings with the fault, two of three of them clear."""
    for number in range(count):
        random = np.random.default_rng((family.seed, FAULTS.index(fault), number))
        severity: Severity = "slight" if number % 3 == 2 else "clear"
        start = base(family, number + number // 6, random)
        samples = sixteen_bits(family.faults[fault](start, severity, random.uniform(), random))
        rate_hz = 8000 if fault == "mic.narrowband" and len(samples) < 12 * 16000 else start.rate_hz
        yield Made(f"{family.name} {fault} {number}", fault, severity, samples, rate_hz, BESIDE.get(fault, ()))


def healthy(family: Family, count: int) -> Iterator[Made]:
    """`count` recordings with nothing wrong: quiet and loud, with pauses, music far below, in rooms, at three rates."""
    for number in range(count):
        random = np.random.default_rng((family.seed, 99, number))
        level_dbfs = random.uniform(-35, -19)
        start = base(family, number + number // 6, random, level_dbfs, snr_db=random.uniform(28, 55))
        x = start.whole
        if number % 5 == 0:
            x = x + music(12.0, start.rate_hz, random) * decibels(level_dbfs - random.uniform(27, 36))
        if number % 4 == 3:  # somebody who thinks before speaking
            x = np.concatenate((start.noise[: 3 * start.rate_hz], x[: 5 * start.rate_hz], start.noise))[: len(x)]
        if number % 7 == 0:
            x = np.column_stack((x, x * decibels(-random.uniform(0, 8))))
        if number % 11 == 0:
            x = x + random.uniform(-0.002, 0.002)
        yield Made(f"{family.name} healthy {number}", "", "clear", sixteen_bits(x), start.rate_hz)


def between(share: float, low: float, high: float) -> float:
    """The value at that share of the way."""
    return low + share * (high - low)


def _scaled(low: float, high: float, slight_low: float, slight_high: float) -> Callable[..., Signal]:
    def make(start: Base, severity: Severity, share: float, _: Random) -> Signal:
        db = between(share, low, high) if severity == "clear" else between(share, slight_low, slight_high)
        return start.speech * decibels(db + 26) + start.noise * decibels(db + 26)

    return make


def _with_noise(snr: tuple[float, float], slight: tuple[float, float], kinds: tuple[str, ...]) -> Callable[..., Signal]:
    def make(start: Base, severity: Severity, share: float, random: Random) -> Signal:
        kind = kinds[int(random.integers(len(kinds)))]
        seconds = len(start.speech) / start.rate_hz
        if kind == "fan":
            noise = fan(seconds, start.rate_hz, random)
        else:
            noise = coloured(seconds, start.rate_hz, {"white": 0, "pink": 1, "brown": 2, "blue": -1}[kind], random)
        below = between(share, *(snr if severity == "clear" else slight))
        return start.speech + noise * decibels(-26 - below)

    return make


def _level(severity: Severity, share: float, clear: tuple[float, float], slight: tuple[float, float]) -> float:
    return decibels(between(share, *(clear if severity == "clear" else slight)))


def _no_voice(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    return start.noise * _level(severity, share, (6, 14), (-10, 0))


# --- the first family's faults ---------------------------------------------------------------------------------------


def _zero(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    return np.zeros(len(start.speech))


def _hard_clipping(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    peak = np.abs(start.whole).max()
    over = between(share, 9, 20) if severity == "clear" else between(share, 5, 8)
    out: Signal = np.clip(start.whole / peak * decibels(over), -1, 1)
    return out


def mains(seconds: float, rate_hz: int, line_hz: float, harmonics: dict[int, float]) -> Signal:
    """Lines at multiples of `line_hz` with these weights, of RMS 1."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    out = np.zeros(len(t))
    for k, weight in harmonics.items():
        out += weight * np.sin(2 * np.pi * k * line_hz * t + 1.3 * k)
    scaled: Signal = out / np.sqrt(np.mean(out**2))
    return scaled


def _hum(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    line = mains(12.0, start.rate_hz, random.choice((50.0, 60.0)), {1: 1, 2: 0.4, 3: 0.5, 5: 0.2, 7: 0.1})
    return start.whole + line * _level(severity, share, (-54, -35), (-59, -55))


def _loud_places(start: Base, random: Random, count: int) -> list[int]:
    step = start.rate_hz // 50
    power = (start.speech[: len(start.speech) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    both = np.minimum(power[:-4], power[4:])
    loud = np.flatnonzero(both > np.percentile(power, 70))
    chosen: list[int] = []
    for place in random.permutation(loud):
        if all(abs(int(place) - other) > 25 for other in chosen):
            chosen.append(int(place))
    return [place * step + step // 2 for place in chosen[:count]]


def _zeroed(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    x = start.whole.copy()
    for place in _loud_places(start, random, 10 if severity == "clear" else 4):
        x[place : place + round(start.rate_hz * random.uniform(0.02, 0.08))] = 0
    return x


def _swelling(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    t = np.arange(len(start.speech)) / start.rate_hz
    depth_db = between(share, 9, 14) if severity == "clear" else between(share, 6, 8)
    slow = np.sin(2 * np.pi * random.uniform(0.12, 0.4) * t + random.uniform(0, 6))
    out: Signal = start.whole * 10 ** (depth_db * slow / 20)
    return out


def _shifted(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    out: Signal = start.whole + random.choice((-1, 1)) * (between(share, 0.02, 0.3) if severity == "clear" else 0.012)
    return out


def _telephone(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    narrow = resampled(start.whole, start.rate_hz, 8000)
    return narrow if share < 0.3 else resampled(narrow, 8000, start.rate_hz)


def _one_zero(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    columns = [start.whole, np.zeros(len(start.whole))]
    return np.column_stack(columns if share < 0.5 else columns[::-1])


def _steady(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    return coloured(12.0, start.rate_hz, 1.0, random) * _level(severity, share, (-75, -45), (-40, -34))


FIRST = Family(
    "first",
    FIRST_VOICES,
    1,
    lambda x, rate_hz, random: in_room(x, rate_hz, random.uniform(0.15, 0.4), random.uniform(4, 10), random),
    lambda seconds, rate_hz, random: coloured(seconds, rate_hz, random.choice((0.0, 1.0)), random),
    {
        "mic.silent": _zero,
        "mic.no-speech": _no_voice,
        "mic.too-quiet": _scaled(-56, -42, -40.5, -39),
        "mic.too-loud": _scaled(-13, -8, -15.5, -14.5),
        "mic.clipping": _hard_clipping,
        "mic.noisy": _with_noise((3, 16), (17, 19), ("white", "pink")),
        "mic.hum": _hum,
        "mic.dropouts": _zeroed,
        "mic.gain-pumping": _swelling,
        "mic.dc-offset": _shifted,
        "mic.narrowband": _telephone,
        "mic.dead-channel": _one_zero,
        "mic.constant-level": _steady,
    },
)

# --- the second family's faults --------------------------------------------------------------------------------------


def _last_bit(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    bit: Signal = np.rint(random.uniform(-0.6, 0.6, len(start.speech))) / 32768
    return bit if share > 0.5 else np.zeros(len(bit))


def _upstream_clipping(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """One side earlier than the other, turned down afterwards."""
    peak = np.abs(start.whole).max()
    over = decibels(between(share, 9, 18) if severity == "clear" else between(share, 5, 8))
    out: Signal = np.clip(start.whole / peak * over, -0.95, 0.7) * decibels(-random.uniform(2, 9))
    return out


def _buzz(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """A rectifier's ripple or a dimmer's comb, the net a little off its frequency."""
    line_hz = random.choice((50.0, 60.0)) + random.uniform(-0.1, 0.1)
    ripple = {2: 1.0, 4: 0.5, 6: 0.3, 8: 0.2}
    comb = {k: 1 / k**0.5 for k in range(1, 16)}
    line = mains(12.0, start.rate_hz, line_hz, ripple if random.uniform() < 0.5 else comb)
    return start.whole + line * _level(severity, share, (-53, -36), (-58, -54))


def _lost_packets(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """Lost 10 or 20 ms packets, alone or in bursts: held at their last value or faded out and in within 1 ms."""
    x = start.whole.copy()
    fade = start.rate_hz // 1000
    for place in _loud_places(start, random, 12 if severity == "clear" else 5):
        length = start.rate_hz // 100 * int(random.integers(2, 8))
        if share < 0.3:
            x[place : place + length] = x[place]
            continue
        ramp = np.linspace(1, 0, fade)
        gap = np.concatenate((ramp, np.zeros(max(0, length - 2 * fade)), ramp[::-1]))
        part = x[place : place + len(gap)]
        part *= gap[: len(part)]
    return x


def _agc(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """A gain that is pulled down at once and creeps up again."""
    t = np.arange(len(start.speech)) / start.rate_hz
    period_s = random.uniform(2.5, 5)
    creep = np.mod(t / period_s + random.uniform(), 1.0)
    span_db = between(share, 18, 28) if severity == "clear" else between(share, 12, 16)
    out: Signal = start.whole * 10 ** (span_db * (creep - 0.5) / 20)
    return out


def _leaning(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """DC that settles from elsewhere."""
    t = np.arange(len(start.speech)) / start.rate_hz
    offset = between(share, 0.025, 0.2) if severity == "clear" else 0.013
    return start.whole - offset * (1 + 0.3 * np.exp(-t / 2))


def _band_pass(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """300 to 3,400 Hz with sloping edges at the full rate, and the converter's own noise."""
    x = start.speech
    f = np.fft.rfftfreq(len(x), 1 / start.rate_hz)
    shape = 1 / (1 + (300 / np.maximum(f, 1)) ** 8) / (1 + (f / 3500) ** 30)
    filtered: Signal = np.fft.irfft(np.fft.rfft(start.whole) * shape, len(x))
    return filtered + coloured(12.0, start.rate_hz, 0.0, random) * decibels(-86)


def _one_noise(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    """An open input: its own noise and a trace of the other channel."""
    other = coloured(12.0, start.rate_hz, 0.0, random) * decibels(-85) + start.whole * decibels(-48)
    return np.column_stack((other, start.whole) if share < 0.5 else (start.whole, other))


def _fan_alone(start: Base, severity: Severity, share: float, random: Random) -> Signal:
    return fan(12.0, start.rate_hz, random) * _level(severity, share, (-72, -44), (-40, -34))


SECOND = Family(
    "second",
    SECOND_VOICES,
    2,
    lambda x, rate_hz, random: in_box(x, rate_hz, random.uniform(0.1, 0.3), random),
    fan,
    {
        "mic.silent": _last_bit,
        "mic.no-speech": _no_voice,
        "mic.too-quiet": _scaled(-57, -43, -41, -39.5),
        "mic.too-loud": _scaled(-13, -7, -15.4, -14.3),
        "mic.clipping": _upstream_clipping,
        "mic.noisy": _with_noise((3, 15), (16, 18.5), ("brown", "blue", "fan")),
        "mic.hum": _buzz,
        "mic.dropouts": _lost_packets,
        "mic.gain-pumping": _agc,
        "mic.dc-offset": _leaning,
        "mic.narrowband": _band_pass,
        "mic.dead-channel": _one_noise,
        "mic.constant-level": _fan_alone,
    },
)
