"""Scores: ITU-T G.107's E-model, and the formula of Twilio's JavaScript Voice SDK. Pure functions.

Equation numbers are those of ITU-T G.107 (06/2015). Everything that a path cannot tell has that document's default
(its table 3): R is 93.2 and MOS 4.41 for a path without delay and loss.
"""

from __future__ import annotations

import math

PACKET_MS = 20.0
"""One packet of speech, gathered before it is sent."""
BUFFER_MS = 60.0
"""The receiver's jitter buffer."""

# G.113 appendix I: G.711 with packet loss concealment, random loss.
PCMU_IE = 0.0
PCMU_BPL = 25.1

# Table 3, default values.
_SLR, _RLR = 8.0, 2.0
_TELR, _WEPL = 65.0, 110.0
# (7-3) and (7-8) with the defaults of table 3; tests/network/test_quality.py computes both in full.
_NO = -61.17921438624169
_IS = 1.4135680813438616
_RO = 15 - 1.5 * (_SLR + _NO)  # (7-2)
# Delay sensitivity of ordinary users.
_MT = 100.0


def one_way_loss(round_trip_ratio: float) -> float:
    """Return the loss of one direction that gives `round_trip_ratio` over both, were both alike."""
    return 1 - math.sqrt(1 - round_trip_ratio)


def mouth_to_ear_ms(rtt_ms: float) -> float:
    """Return the one-way delay that the E-model is fed: half the round trip, one packet, and the jitter buffer."""
    return rtt_ms / 2 + PACKET_MS + BUFFER_MS


def delay_impairment(one_way_ms: float) -> float:
    """Id (7-18) for a connection without an echo path of its own: T = Ta = `one_way_ms`, Tr = 2 T."""
    t = one_way_ms
    talker_echo = 0.0
    if t >= 1:
        terv = _TELR - 40 * math.log10((1 + t / 10) / (1 + t / 150)) + 6 * math.exp(-0.3 * t * t)  # (7-22)
        re = 80 + 2.5 * (terv - 14)  # (7-21)
        roe = -1.5 * (_NO - _RLR)  # (7-20)
        half = (roe - re) / 2
        talker_echo = (half + math.sqrt(half * half + 100) - 1) * (1 - math.exp(-t))  # (7-19)
    rle = 10.5 * (_WEPL + 7) * math.pow(2 * t + 1, -0.25)  # (7-26)
    half = (_RO - rle) / 2
    listener_echo = half + math.sqrt(half * half + 169)  # (7-25)
    too_long = 0.0
    if t > _MT:
        x = math.log2(t / _MT)  # (7-28)
        too_long = 25 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2)  # (7-27)
    return talker_echo + listener_echo + too_long


def loss_impairment(loss_ratio: float, ie: float = PCMU_IE, bpl: float = PCMU_BPL) -> float:
    """Ie-eff (7-29) with BurstR 1: why not the measured burstiness stands in docs/path-measures.md."""
    percent = 100 * loss_ratio
    return ie + (95 - ie) * percent / (percent + bpl)


def r_factor(one_way_ms: float, loss_ratio: float) -> float:
    """R (7-1) of PCMU for a mouth-to-ear delay and the loss of one direction, 0 at the least."""
    return max(0.0, _RO - _IS - delay_impairment(one_way_ms) - loss_impairment(loss_ratio))


def mos_of_r(r: float) -> float:
    """MOS (B-4). The polynomial dips below 1 for R under 6.5; a score of 1 is the worst that there is."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r))


def mos_twilio(rtt_ms: float, jitter_ms: float, loss_ratio: float) -> float:
    """Score as the Voice JS SDK does (2.18.5, rtc/mos.js): full round trip, jitter twice, loss in percent."""
    latency = rtt_ms + 2 * jitter_ms + 10
    if latency < 160:
        r = 94.768 - latency / 40
    elif latency < 1000:
        r = 94.768 - (latency - 120) / 10
    else:
        r = 0.0
    percent = 100 * loss_ratio
    r = max(r - 2.5 * percent, 6.52) if percent <= r / 2.5 else 0.0
    return 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)
