"""The scores, against published values and against the formulas written out in full."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicediag.network import quality

DELAYS = st.floats(80, 2000)
LOSSES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("rtt_ms", "jitter_ms", "percent", "mos"),
    # Computed by running the SDK's own mos.js, 2.18.5.
    [
        (0, 0, 0, 4.433),
        (100, 10, 0, 4.374),
        (200, 30, 0, 4.015),
        (200, 30, 3, 3.701),
        (400, 30, 0, 3.088),
        (400, 30, 3, 2.694),
        (600, 30, 0, 2.053),
    ],
)
def test_twilios_own_score(rtt_ms: float, jitter_ms: float, percent: float, mos: float) -> None:
    assert quality.mos_twilio(rtt_ms, jitter_ms, percent / 100) == pytest.approx(mos, abs=5e-4)


def g107(t: float, percent: float, ie: float = 0.0, bpl: float = 25.1) -> float:
    """G.107 (06/2015) in full, all parameters at the defaults of its table 3: nothing computed beforehand."""
    slr, rlr, stmr, dr, ds, lstr_extra = 8.0, 2.0, 15.0, 3.0, 3.0, 0.0
    telr, wepl, qdu, nc, nfor, ps, pr = 65.0, 110.0, 1.0, -70.0, -64.0, 35.0, 35.0
    olr, lstr = slr + rlr, stmr + dr + lstr_extra
    nos = ps - slr - ds - 100 + 0.004 * (ps - olr - ds - 14) ** 2
    pre = pr + 10 * math.log10(1 + 10 ** ((10 - lstr) / 10))
    nor = rlr - 121 + pre + 0.008 * (pre - 35) ** 2
    nfo = nfor + rlr
    no = 10 * math.log10(sum(10 ** (noise / 10) for noise in (nc, nos, nor, nfo)))
    ro = 15 - 1.5 * (slr + no)
    xolr = olr + 0.2 * (64 + no - rlr)
    iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    # STMRo depends on the delay, in the fourth decimal of Is: the code computes Is once.
    stmro = -10 * math.log10(10 ** (-stmr / 10) + math.exp(-t / 4) * 10 ** (-telr / 10))
    ist = (
        12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * math.log10(qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    iq = 15 * math.log10(1 + 10 ** ((ro - 100) / 15 + 46 / 8.4 - g / 9) + 10 ** (46 / 30 - g / 40))
    terv = telr - 40 * math.log10((1 + t / 10) / (1 + t / 150)) + 6 * math.exp(-0.3 * t * t)
    re, roe = 80 + 2.5 * (terv - 14), -1.5 * (no - rlr)
    idte = ((roe - re) / 2 + math.sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - math.exp(-t)) if t >= 1 else 0.0
    rle = 10.5 * (wepl + 7) * (2 * t + 1) ** -0.25
    idle = (ro - rle) / 2 + math.sqrt((ro - rle) ** 2 / 4 + 169)
    x = math.log(t / 100) / math.log(2) if t > 100 else 0.0
    idd = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2) if t > 100 else 0.0
    result = ro - (iolr + ist + iq) - (idte + idle + idd) - (ie + (95 - ie) * percent / (percent + bpl))
    assert isinstance(result, float)
    return result


@pytest.mark.parametrize("delay_ms", [0, 1, 50, 80, 100, 100.1, 150, 200, 280, 400, 600])
@pytest.mark.parametrize("percent", [0, 0.5, 1, 3, 5, 10])
def test_r_agrees_with_g107_in_full(delay_ms: float, percent: float) -> None:
    assert quality.r_factor(delay_ms, percent / 100) == pytest.approx(g107(delay_ms, percent), abs=1e-3)


def test_the_default_r_and_its_mos_are_the_published_ones() -> None:
    # G.107: R is 93.2 with all defaults; annex B puts it at MOS 4.41.
    assert quality.r_factor(0, 0) == pytest.approx(93.2, abs=0.05)
    assert quality.mos_of_r(93.2) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "mos"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_mos_of_r_at_the_bounds_of_g107_annex_b(r: float, mos: float) -> None:
    assert quality.mos_of_r(r) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize("percent", [0, 1, 3, 5, 10])
def test_the_simplified_delay_term_of_cole_and_rosenbluth_is_near(percent: float) -> None:
    # 0.024 d + 0.11 (d - 177.3) H(d - 177.3): a published fit of the same curve, good to a few units of R.
    for delay in range(0, 401, 20):
        simple = 0.024 * delay + (0.11 * (delay - 177.3) if delay > 177.3 else 0.0)
        assert quality.delay_impairment(delay) == pytest.approx(simple, abs=3.5)


@given(DELAYS, DELAYS, LOSSES)
def test_more_delay_never_scores_better(one: float, other: float, loss: float) -> None:
    short, long = sorted((one, other))
    assert quality.mos_of_r(quality.r_factor(short, loss)) >= quality.mos_of_r(quality.r_factor(long, loss)) - 1e-9
    assert quality.mos_twilio(short, 0, loss) >= quality.mos_twilio(long, 0, loss) - 1e-9


@given(DELAYS, LOSSES, LOSSES)
def test_more_loss_never_scores_better(delay: float, one: float, other: float) -> None:
    little, much = sorted((one, other))
    assert quality.mos_of_r(quality.r_factor(delay, little)) >= quality.mos_of_r(quality.r_factor(delay, much)) - 1e-9
    assert quality.mos_twilio(delay, 0, little) >= quality.mos_twilio(delay, 0, much) - 1e-9


@given(st.floats(0, 5000), st.floats(0, 5000), LOSSES)
def test_scores_stay_on_the_scale(rtt_ms: float, jitter_ms: float, loss: float) -> None:
    r = quality.r_factor(quality.mouth_to_ear_ms(rtt_ms), loss)
    assert 0 <= r <= 94
    assert 1 <= quality.mos_of_r(r) <= 4.5
    assert 1 - 1e-3 <= quality.mos_twilio(rtt_ms, jitter_ms, loss) <= 4.5


def test_one_direction_of_a_symmetric_loss() -> None:
    assert quality.one_way_loss(0.0) == 0.0
    assert quality.one_way_loss(1.0) == 1.0
    # 2 % each way loses 3.96 % of the round trips.
    assert quality.one_way_loss(1 - 0.98**2) == pytest.approx(0.02)


def test_the_delay_that_the_e_model_is_fed() -> None:
    assert quality.mouth_to_ear_ms(100) == 130
