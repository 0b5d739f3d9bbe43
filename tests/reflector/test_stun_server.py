"""The misbehaving server misbehaves as it says."""

from __future__ import annotations

import pytest

from voicediag.reflector.stun_server import Behaviour, answers
from voicediag.wire import stun

ID = bytes(range(12))
REQUEST = stun.binding_request(ID)
ADDRESS = ("127.0.0.1", 5)


def good(data: bytes) -> bool:
    try:
        message = stun.parse(data)
    except stun.StunError:
        return False
    return (message.kind, message.transaction_id, message.mapped_address) == ("success", ID, ADDRESS)


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_only_the_good_ones_answer_soundly(behaviour: Behaviour) -> None:
    sent = answers(behaviour, REQUEST, ID, ADDRESS)
    sound = {Behaviour.GOOD: 1, Behaviour.OTHER_ADDRESS: 1, Behaviour.TWICE: 2, Behaviour.FOURTH_500: 1}.get(
        behaviour, 0
    )
    assert sum(map(good, sent)) == sound
    assert len(sent) == {Behaviour.SILENT: 0, Behaviour.TWICE: 2, Behaviour.FOURTH_500: 1}.get(behaviour, 1)


@pytest.mark.parametrize("behaviour", [Behaviour.HUGE, Behaviour.NO_ADDRESS, Behaviour.BROKEN_ATTRIBUTE])
def test_a_broken_body_stands_behind_a_sound_header(behaviour: Behaviour) -> None:
    (sent,) = answers(behaviour, REQUEST, ID, ADDRESS)
    assert stun.peek(sent) == ("success", ID)


def test_an_error_carries_its_number() -> None:
    (sent,) = answers(Behaviour.ERROR_500, REQUEST, ID, ADDRESS)
    assert stun.parse(sent).error == (500, "Server Error")
