"""Every point of the user's documents is in an entry, by the words that carry it. docs/seeds.md is made of this too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from voicediag.knowledge import store
from voicediag.knowledge.entry import Entry

ROOT = Path(__file__).parent.parent.parent

# Point → the entry that serves it, and what must be said there, in any case.
POINTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "000-01": ("31403", ("speaker or headset", "unplugged", "no source of twilio's")),
    "000-02": ("31403", ("falls back to", "choose another output")),
    "000-03": ("31403", ("device.audio",)),
    "000-04": ("31403", ("bluetooth", "battery")),
    "000-05": ("31403", ("windows audio service", "update", "driver")),
    "000-06": ("31403", ("macos", "system settings during a call")),
    "000-07": ("31403", ("ios", "no setsinkid")),
    "000-08": ("31403", ("enumeratedevices()", "audiooutput", "corrected: no 'error' event")),
    "000-09": ("31403", ("device.audio.speakerdevices.set(id)", "first output")),
    "000-10": ("31403", ("tell the person", "headset disconnected")),
    "000-11": ("31403", ("isoutputselectionsupported", "chrome and edge", "check the id", "stale device id")),
    "000-12": ("31403", ("devicechange of navigator.mediadevices", "live list")),
    "000-13": ("31403", ("devicechange of device.audio", "choose anew")),
    "000-14": ("31403", ("silent or short test tone", "setsinkid", "fall back to the default")),
    "000-15": ("31403", ("which input and which output", "by label")),
    "000-16": ("31403", ("plugged in and listed", "session policies", "exclusive mode")),
    "000-17": ("31403", ("audio diagnostics show which program", "take away exclusive mode")),
    "000-18": ("31403", ("contact centre", "failed over and logged")),
    "001-01": ("31402", ("raises it once, on the call", "could not open it when the call began")),
    "001-02": ("31402", ("31201 and 31208 are the 1.x numbers",)),
    "001-03": ("31402", ("unplugged", "notreadableerror", "running call is not 31402")),
    "001-04": ("31402", ("the system may change its default", "windows")),
    "001-05": ("31402", ("driver crashed", "no track that ended")),
    "001-06": ("31401", ("policy", "notallowederror comes up as 31402; the sdk's source says otherwise")),
    "001-07": ("31402", ("enumeratedevices()", "audioinput")),
    "001-08": ("31402", ("by their labels", "device.audio.setinputdevice(deviceid)")),
    "001-09": ("31402", ("first audioinput that is left", "say that the microphone was changed")),
    "001-10": ("31402", ("devicechange", "fallback chosen beforehand", "replaced at once")),
    "001-11": ("31402", ("live list of microphones from the start", "show which one is in use")),
    "001-12": ("31402", ("set the microphone explicitly", "unsetinputdevice()")),
    "001-13": ("31402", ("short tone", "audiocontext", "analysernode")),
    "001-14": ("31402", ("call.on('error')", "connect again")),
    "001-15": ("31402", ("certain hardware", "driver")),
    "001-16": ("31401", ("have it allow the application's origin",)),
    "001-17": ("31402", ("device health watched, failed over and logged",)),
    "002-01": ("packet-loss", ("jitter", "wi-fi")),
    "002-02": ("latency", ("talk over one another",)),
    "002-03": ("packet-loss", ("gaps", "one side does not hear")),
    "002-04": ("jitter", ("not packets out of order", "robotic", "too late for the jitter buffer")),
    "002-05": ("latency", ("250 ms", "600 ms", "200 ms", "400 ms", "150 ms", "one way or both")),
    "002-06": ("latency", ("upgrade a line of low bandwidth",)),
    "002-07": ("latency", ("lte", "mobile network")),
    "002-08": ("latency", ("twilio client 1.3", "nothing confirms", "roaming")),
    "002-09": ("jitter", ("ethernet instead of wi-fi",)),
    "002-10": ("jitter", ("fewer devices on the same wi-fi channel",)),
    "002-11": ("jitter", ("large transfers off the wi-fi",)),
    "002-12": ("jitter", ("small buffers", "cannot be hidden by a buffer without delay")),
    "002-13": ("jitter", ("not every router", "open source, business and gaming")),
    "002-14": ("jitter", ("qos rules", "168.86.128.0/18", "the range is wide")),
    "002-15": ("cannot-establish-call", ("router, firewall and antivirus",)),
    "002-16": ("cannot-establish-call", ("computer is online",)),
    "002-17": ("cannot-establish-call", ("javascript console",)),
    "002-18": ("no-audio", ("router, firewall and antivirus",)),
    "002-19": ("no-audio", ("plugged in", "right microphone and speaker are chosen")),
    "002-20": ("no-audio", ("button on the headset", "turn the volume up")),
    "002-21": ("audio-cutting-out", ("measure the path", "throughput and one ping")),
    "002-22": ("audio-cutting-out", ("qos", "priority")),
    "002-23": ("audio-cutting-out", ("other traffic", "network of their own")),
    "002-24": ("garbled-audio", ("headset instead of the computer's own microphone",)),
    "002-25": ("garbled-audio", ("loudspeakers, fans",)),
    "002-26": ("garbled-audio", ("farther from the mouth", "clip")),
    "002-27": ("garbled-audio", ("system's sound settings",)),
    "002-28": ("garbled-audio", ("processor and memory",)),
    "002-29": ("garbled-audio", ("close programs and browser tabs",)),
    "002-30": ("garbled-audio", ("without antivirus",)),
    "002-31": ("microphone-level-changes", ("drivers", "autogaincontrol: false")),
    "002-32": ("choppy-robotic-audio", ("jitter", "traffic")),
    "002-33": ("one-way-audio", ("handover between networks", "set-up of the call")),
    "002-34": ("delayed-audio", ("packets take long", "technology of the call")),
    "002-35": ("echo", ("microphone picks up", "crosstalk on copper")),
    "002-36": ("echo", ("speakerphone off", "headset or handset")),
    "002-37": ("echo", ("speakers and a separate microphone",)),
    "002-38": ("echo", ("lower the volume",)),
    "002-39": ("echo", ("away from the speakers and towards the person",)),
    "002-40": ("volume", ("too quiet", "too loud", "position and level")),
    "002-41": ("static", ("place, direction or level", "background noise")),
    "002-42": ("failed-api-request", ("incident", "simple request")),
    "002-43": ("failed-api-request", ("five digits", "not always 400")),
    "002-44": ("20003", ("401, not 400", "the only one of 10001, 20003 and 20005", "auth token", "balance")),
    "002-45": ("21215", ("geo permissions", "13227", "32205")),
    "002-46": ("21210", ("verified caller id", "twilio number")),
    "002-47": ("21202", ("premium", "13224")),
    "002-48": ("21217", ("e.164",)),
    "002-49": ("failed-api-request", ("explained: voicediag explain code",)),
    "002-50": ("microphone-level-changes", ("old link",)),
}


def spoken(entry: Entry) -> str:
    readings = [
        part
        for reading in entry.readings
        for part in (reading.title, reading.summary, *reading.causes, *reading.fixes, reading.tell_apart or "")
    ]
    return " ".join((*readings, *entry.prevention, entry.escalate or "", *entry.aliases)).lower()


@pytest.mark.parametrize("point", sorted(POINTS))
def test_the_point_is_in_the_entry(point: str) -> None:
    name, phrases = POINTS[point]
    (entry,) = [entry for entry in store.entries(store.numbers_of(name)) if entry.id == name]
    text = spoken(entry)
    assert [phrase for phrase in phrases if phrase not in text] == []


def test_every_point_is_served_and_the_page_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "seeds.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
