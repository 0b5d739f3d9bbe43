"""Plays and listens at once: the measuring of `speaker-test` and `loopback-test`.

Two streams, so that the devices may belong to different host APIs and run at different rates, which one stream of
PortAudio's does not allow. Both callbacks read the same monotonic clock; that is what the round trip is measured by.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from voicediag.audio.blocks import Samples, Signal, dbfs, finite
from voicediag.audio.capture import Capture, record
from voicediag.audio.devices import find_input, find_output, list_devices
from voicediag.audio.echo import (
    LONGEST_S,
    PROBE_S,
    Arrival,
    clock,
    find,
    find_tone,
    highest_hz,
    level_dbfs,
    probe,
    tone,
)
from voicediag.audio.files import save_wav
from voicediag.audio.playback import Playback, Prepared, play, playing
from voicediag.audio.portaudio import portaudio
from voicediag.audio.tone import Tone
from voicediag.model.attempt import Unavailable
from voicediag.model.control import Control, LevelProgress, PlayProgress, Progress, ToneQuestion
from voicediag.model.request import LoopbackTestRequest, SpeakerTestRequest
from voicediag.model.results.acoustic import Listened, LoopbackTestResult, Played, SpeakerTestResult, ToneHeard
from voicediag.model.results.audio import Device
from voicediag.model.text import visible

LEAD_S = 0.6
"""Silence before the first sound: the noise of the room is measured in it."""
GAP_S = 0.5
"""Between probe and tone, for the room to fall silent."""
TAIL_S = LONGEST_S + 0.2
"""Recorded after the last sound was handed over, for it to arrive in."""
SHORTEST_TONE_S = 1.5
_SETTLE_S = 0.1
"""The first of a recording is not taken for noise: devices click when they start."""
_TOLD_APART_DB = 3.0
"""Noise and tone together must exceed the noise alone by so much for the difference to say anything."""
_PEAK = math.sqrt(2)


def measure_speaker(request: SpeakerTestRequest, control: Control) -> SpeakerTestResult:
    """Play a tone, and ask the person or listen. What goes wrong on the way is in the result.

    Raises `Unavailable`: `no-portaudio`, `no-output`, `no-input`, `device-missing`; without a cause where the device
    cannot play what was asked for, and, with the result, where it was played but nobody could be asked.
    """
    with portaudio():
        devices = list_devices()
        output = find_output(devices, request.device)
        listener = None if request.listen is None else find_input(devices, request.listen)
        rate_hz = request.rate_hz or round(output.default_rate_hz)
        _check_playable(output, request, rate_hz)
        samples = _scaled(tone(request.tone_hz, request.duration_s, rate_hz), request.level_dbfs)
        if listener is None:
            sound = Prepared(samples, rate_hz, request.side)
            playback = play(output, sound, rate_hz, request.duration_s, control)
        else:
            lead = np.zeros(round(LEAD_S * rate_hz))
            sound = Prepared(np.concatenate((lead, samples)), rate_hz, request.side)
            playback, capture = _play_and_record(
                output, sound, rate_hz, listener, request.rate_hz, request.channels, control
            )
    lead_s = 0.0 if listener is None else LEAD_S
    played = _played(output, sound, playback, rate_hz, request.level_dbfs, lead_s)
    if listener is not None:
        heard = _best_tone(capture, request.tone_hz)
        return SpeakerTestResult(
            output=played,
            expected_hz=request.tone_hz,
            side=request.side,
            listened=_listened(listener, capture, sound, rate_hz, heard.channel, heard.noise_dbfs, request.save),
            tone=heard.tone,
        )
    answer = None
    if playback.failure is None and not control.stop.is_set():
        answer = control.ask(ToneQuestion(output.name, request.side))
    result = SpeakerTestResult(
        output=played,
        expected_hz=request.tone_hz,
        side=request.side,
        answer=None if answer is None else "yes" if answer else "no",
    )
    if answer is None and playback.failure is None and not control.stop.is_set():
        raise Unavailable(
            None,
            f"the tone was played on '{visible(output.name, 80)}', but nobody could be asked whether it was heard;"
            " --listen INPUT listens instead",
            result=result,
        )
    return result


def measure_loopback(request: LoopbackTestRequest, control: Control) -> LoopbackTestResult:
    """Play the probe and a tone, record meanwhile, and find both. What goes wrong on the way is in the result.

    Raises `Unavailable`: `no-portaudio`, `no-input`, `no-output`, `device-missing`; without a cause where the tone is
    too high for the rate.
    """
    with portaudio():
        devices = list_devices()
        listener = find_input(devices, request.input_device)
        output = find_output(devices, request.output_device)
        rate_hz = request.rate_hz or round(output.default_rate_hz)
        _check_rate(output, request.tone_hz, rate_hz)
        top_hz = highest_hz(rate_hz, request.rate_hz or round(listener.default_rate_hz))
        tone_s = max(SHORTEST_TONE_S, request.duration_s - LEAD_S - PROBE_S - GAP_S - TAIL_S)
        silence = (np.zeros(round(seconds * rate_hz)) for seconds in (LEAD_S, GAP_S))
        lead, gap = silence
        sent = probe(rate_hz, top_hz)
        sent = sent * (10 ** (request.level_dbfs / 20) / math.sqrt(float(np.mean(sent**2))))
        samples = np.concatenate((lead, sent, gap, _scaled(tone(request.tone_hz, tone_s, rate_hz), request.level_dbfs)))
        sound = Prepared(samples, rate_hz)
        playback, capture = _play_and_record(
            output, sound, rate_hz, listener, request.rate_hz, request.channels, control
        )
    heard = _best_tone(capture, request.tone_hz)
    trip = _round_trip(capture, sound, rate_hz, top_hz)
    channel = heard.channel if trip is None or not trip.arrival.is_found else trip.channel
    found = trip if trip is not None and trip.arrival.is_found else None
    echo_dbfs = found.arrival.level_dbfs if found is not None else None
    return LoopbackTestResult(
        output=_played(output, sound, playback, rate_hz, request.level_dbfs, LEAD_S),
        input=_listened(listener, capture, sound, rate_hz, channel, heard.noise_dbfs, request.save),
        expected_hz=request.tone_hz,
        tone=heard.tone,
        round_trip_ms=None if found is None else 1000 * found.round_trip_s,
        round_trip_scatter_ms=None if found is None else 1000 * found.scatter_s,
        peak_to_sidelobe_db=None if trip is None else trip.arrival.peak_to_sidelobe_db,
        echo_dbfs=echo_dbfs,
        echo_return_loss_db=None if echo_dbfs is None else request.level_dbfs - echo_dbfs,
    )


def _scaled(samples: Signal, level_dbfs: float) -> Signal:
    """Return a sine of amplitude 1 at that level."""
    scaled: Signal = samples * (_PEAK * 10 ** (level_dbfs / 20))
    return scaled


def _check_playable(output: Device, request: SpeakerTestRequest, rate_hz: int) -> None:
    _check_rate(output, request.tone_hz, rate_hz)
    if request.side != "both" and output.outputs < 2:
        raise Unavailable(
            None, f"'{visible(output.name, 80)}' has one channel: no {request.side} side", output.name, "output"
        )


def _check_rate(output: Device, tone_hz: float, rate_hz: int) -> None:
    if tone_hz >= rate_hz / 2:
        reason = f"a tone of {tone_hz:g} Hz cannot be played at {rate_hz} Hz on '{visible(output.name, 80)}'"
        raise Unavailable(None, reason, output.name, "output")


def _play_and_record(
    output: Device,
    sound: Prepared,
    rate_hz: int,
    listener: Device,
    input_rate_hz: int | None,
    channels: int | None,
    control: Control,
) -> tuple[Playback, Capture]:
    """Record while `sound` plays; it begins when the input has given its first block, however late that is."""
    playback = Playback()

    def tell(progress: Progress) -> None:
        sound.begin()
        if isinstance(progress, LevelProgress):
            control.tell(PlayProgress(progress.elapsed_s, progress.total_s))

    watched = Control(tell)
    watched.stop = control.stop
    capture = record(
        listener,
        input_rate_hz or round(listener.default_rate_hz),
        channels or min(2, listener.inputs),
        sound.total / rate_hz + TAIL_S,
        watched,
        alongside=playing(output, sound, playback, rate_hz),
    )
    return playback, capture


def _played(
    output: Device, sound: Prepared, playback: Playback, rate_hz: int, level_dbfs: float, lead_s: float
) -> Played:
    return Played(
        device=output.name,
        rate_hz=rate_hz,
        channel_count=min(2, output.outputs),
        level_dbfs=level_dbfs,
        played_s=max(0.0, sound.played / rate_hz - lead_s),
        underflows=playback.underflows,
        muted=playback.muted,
        failure=playback.failure,
        failure_detail=playback.detail,
    )


def _listened(
    listener: Device,
    capture: Capture,
    sound: Prepared,
    output_rate_hz: int,
    channel: int | None,
    noise_dbfs: float | None,
    save: str | None,
) -> Listened:
    x = None if channel is None else finite(capture.samples)[0][:, channel].astype(np.float64)
    saved, save_error = _save(save, capture)
    return Listened(
        device=listener.name,
        rate_hz=capture.rate_hz,
        channel_count=capture.channels,
        requested_s=sound.total / output_rate_hz + TAIL_S,
        recorded_s=len(capture.samples) / capture.rate_hz,
        channel=channel,
        rms_dbfs=None if x is None else dbfs(math.sqrt(float(np.mean(x**2)))),
        peak_dbfs=None if x is None else dbfs(float(np.abs(x).max())),
        noise_dbfs=noise_dbfs,
        overflows=capture.overflows,
        muted=capture.muted,
        failure=capture.failure,
        failure_detail=capture.detail,
        saved=saved,
        save_error=save_error,
    )


def _save(path: str | None, capture: Capture) -> tuple[str | None, str | None]:
    if path is None or not len(capture.samples):
        return None, None
    try:
        save_wav(path, capture.blocks(), capture.rate_hz, capture.channels)
    except OSError as error:
        return None, f"cannot save '{visible(path)}': {error.strerror or error}"
    return path, None


# Numbers out of what was recorded -------------------------------------------------------------------------------------


class _BestTone(NamedTuple):
    channel: int | None
    """The one with the tone, else the loudest."""
    tone: ToneHeard | None
    noise_dbfs: float | None


def _columns(samples: Samples) -> list[Signal]:
    return [np.ascontiguousarray(column, dtype=np.float64) for column in finite(samples)[0].T] if len(samples) else []


def _best_tone(capture: Capture, tone_hz: float) -> _BestTone:
    columns = _columns(capture.samples)
    if not columns:
        return _BestTone(None, None, None)
    found = [find_tone(x, capture.rate_hz, tone_hz) for x in columns]
    loudness = [float(np.var(x)) for x in columns]
    channel = max(range(len(columns)), key=lambda n: (_level(found[n]), loudness[n]))
    noise_dbfs = level_dbfs(columns[channel][round(_SETTLE_S * capture.rate_hz) : round(LEAD_S * capture.rate_hz)])
    best = found[channel]
    return _BestTone(channel, None if best is None else heard_tone(best, noise_dbfs), noise_dbfs)


def _level(found: Tone | None) -> float:
    return -math.inf if found is None else found.level_dbfs


def heard_tone(found: Tone, noise_dbfs: float | None) -> ToneHeard:
    """Return the tone with what is distortion of it, and not the noise that was there before."""
    distortion_db = None
    power = 10 ** (found.level_dbfs / 10)
    ratio = min(10 ** (found.thdn_db / 10), 1 - 1e-12)
    rest = power * ratio / (1 - ratio)
    noise = 0.0 if noise_dbfs is None else 10 ** (noise_dbfs / 10)
    if noise_dbfs is not None and rest >= noise * 10 ** (_TOLD_APART_DB / 10):
        distortion_db = 10 * math.log10((rest - noise) / (power + rest - noise))
    return ToneHeard(
        tone_hz=found.frequency_hz,
        tone_dbfs=found.level_dbfs,
        thdn_db=found.thdn_db,
        distortion_db=distortion_db,
    )


class _Trip(NamedTuple):
    channel: int
    arrival: Arrival
    round_trip_s: float
    scatter_s: float


def _round_trip(capture: Capture, sound: Prepared, output_rate_hz: int, top_hz: float) -> _Trip | None:
    """Return the trip of the probe; None where it was not played or too little was recorded."""
    rate_hz = capture.rate_hz
    sent = LEAD_S * output_rate_hz
    handed = clock(sound.blocks, output_rate_hz, sent, sent + PROBE_S * output_rate_hz)
    came = clock(capture.arrivals, rate_hz, 0, math.inf)
    if handed is None or came is None:
        return None
    handed_at = handed.start_s + LEAD_S
    expected_at = round((handed_at - came.start_s) * rate_hz)
    arrivals = [find(x, rate_hz, top_hz, expected_at) for x in _columns(capture.samples)]
    found = {channel: arrival for channel, arrival in enumerate(arrivals) if arrival is not None}
    if not found:
        return None
    channel = max(found, key=lambda n: found[n].peak_to_sidelobe_db)
    arrival = found[channel]
    # The blocks around it: an overflow elsewhere would shift the rest.
    near = clock(capture.arrivals, rate_hz, arrival.at, arrival.at + PROBE_S * rate_hz) or came
    return _Trip(
        channel=channel,
        arrival=arrival,
        round_trip_s=near.start_s + arrival.at / rate_hz - handed_at,
        scatter_s=math.hypot(near.scatter_s, handed.scatter_s),
    )
