"""Short-time spectra of 20 ms frames: the mean spectrum, and the bands that the speech detector looks at."""

from __future__ import annotations

import math

import numpy as np

from voicediag.audio.bandwidth import BandwidthMeter
from voicediag.audio.blocks import Signal, frame_length, powers_dbfs
from voicediag.audio.speech import BAND_EDGES_HZ, LINES_HZ, FramePowers
from voicediag.model.results.audio import Spectrum

MAX_POINTS = 512


class SpectrumMeter:
    """Power spectra of one channel without DC, frame by frame, with a Hann window."""

    def __init__(self, rate_hz: int) -> None:
        frame = frame_length(rate_hz)
        self._size = 1 << max(1, (frame - 1).bit_length())
        window = np.hanning(frame + 1)[:-1] if frame > 2 else np.ones(frame)
        # Scaled so that the bins of a frame add up to its mean square under the window; a bin stands for both signs.
        self._window = (window * np.sqrt(2 / (self._size * np.sum(window**2)))).astype(np.float32)
        self._frequency = np.fft.rfftfreq(self._size, 1 / rate_hz)
        self._edges = np.minimum(np.searchsorted(self._frequency, BAND_EDGES_HZ), len(self._frequency))
        self._lines = math.ceil(LINES_HZ * self._size / rate_hz)
        self._sum = np.zeros(len(self._frequency))
        self._frames = 0
        self.bandwidth = BandwidthMeter(self._frequency.astype(np.float64))

    def add(self, frames: Signal) -> FramePowers:
        """Take the next frames, [frames, samples], and return what the speech detector asks of them."""
        # Single precision halves the cost; what exceeds full scale a thousandfold is no sound and would overflow it.
        x = np.clip(frames, -1e3, 1e3).astype(np.float32) * self._window
        spectrum = np.fft.rfft(x, self._size)
        power = spectrum.real**2 + spectrum.imag**2
        self._sum += power.sum(axis=0, dtype=np.float64)
        self._frames += len(frames)
        self.bandwidth.add(power)
        edges = self._edges
        speech = power[:, edges[0] : edges[-1]]
        sums = np.cumsum(np.pad(speech, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        strongest = np.sort(speech, axis=1)[:, -self._lines :]
        return FramePowers(
            bands=np.diff(sums[:, edges - edges[0]], axis=1),
            lines=strongest.sum(axis=1, dtype=np.float64),
            total=power.sum(axis=1, dtype=np.float64),
        )

    def result(self) -> Spectrum | None:
        """Return the mean power of each bin, neighbours added up until `MAX_POINTS` are enough; None without frames."""
        if not self._frames:
            return None
        power = self._sum[1:] / self._frames
        frequency = self._frequency[1:]
        join = -(-len(power) // MAX_POINTS)
        whole = len(power) // join * join
        joined = power[:whole].reshape(-1, join).sum(axis=1)
        middle = frequency[:whole].reshape(-1, join).mean(axis=1)
        return Spectrum(
            frequency_hz=tuple(middle.round(1).tolist()), level_dbfs=tuple(powers_dbfs(joined).round(2).tolist())
        )
