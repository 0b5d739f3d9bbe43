"""What Windows knows and PortAudio does not say: the communications default, which Chromium lists as such.

Written from Microsoft's documentation of IMMDeviceEnumerator (mmdeviceapi.h), IPropertyStore (propsys.h) and
PKEY_Device_FriendlyName (functiondiscoverykeys_devpkey.h); never run on Windows, so unverified. Any refusal means
"unknown".
"""

from __future__ import annotations

import ctypes
import sys
import uuid
from typing import Any

from voicediag.audio.server import Direction

_ENUMERATOR = "BCDE0395-E52F-467C-8E3D-C4579291692E"
_I_ENUMERATOR = "A95664D2-9614-4F35-A746-DE8DB63617E6"
_FRIENDLY_NAME = ("A45C254E-DF1C-4EFD-8020-67D146A850E0", 14)
_CLSCTX_ALL, _STGM_READ, _COMMUNICATIONS, _VT_LPWSTR = 23, 0, 2, 31
_FLOW: dict[Direction, int] = {"output": 0, "input": 1}
# Places in the tables of methods, IUnknown's three counted.
_RELEASE, _GET_DEFAULT, _OPEN_STORE, _GET_VALUE = 2, 4, 4, 5


class _Key(ctypes.Structure):
    _fields_ = (("format", ctypes.c_ubyte * 16), ("number", ctypes.c_uint32))


class _Variant(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_uint16),
        ("reserved", ctypes.c_uint16 * 3),
        ("text", ctypes.c_wchar_p),
        ("rest", ctypes.c_void_p),
    )


def communications_defaults() -> dict[Direction, str | None] | None:
    """Return the names of the communications defaults; None on other systems or where it cannot be told."""
    if sys.platform != "win32":
        return None
    try:
        return _ask()
    except (OSError, AttributeError, ValueError):
        return None


def _ask() -> dict[Direction, str | None]:
    ole32: Any = ctypes.OleDLL("ole32")  # type: ignore[attr-defined,unused-ignore]  # Windows only
    ole32.CoInitializeEx(None, 0)
    enumerator = ctypes.c_void_p()
    ole32.CoCreateInstance(_guid(_ENUMERATOR), None, _CLSCTX_ALL, _guid(_I_ENUMERATOR), ctypes.byref(enumerator))
    try:
        return {kind: _name(ole32, enumerator, flow) for kind, flow in _FLOW.items()}
    finally:
        _call(enumerator, _RELEASE)
        ole32.CoUninitialize()


def _name(ole32: Any, enumerator: ctypes.c_void_p, flow: int) -> str | None:
    device, store, value = ctypes.c_void_p(), ctypes.c_void_p(), _Variant()
    key = _Key(_guid(_FRIENDLY_NAME[0]), _FRIENDLY_NAME[1])
    try:
        if _call(enumerator, _GET_DEFAULT, flow, _COMMUNICATIONS, ctypes.byref(device)) < 0:
            return None
        if _call(device, _OPEN_STORE, _STGM_READ, ctypes.byref(store)) < 0:
            return None
        if _call(store, _GET_VALUE, ctypes.byref(key), ctypes.byref(value)) < 0:
            return None
        return value.text if value.kind == _VT_LPWSTR else None
    finally:
        ole32.PropVariantClear(ctypes.byref(value))
        for thing in (store, device):
            if thing.value:
                _call(thing, _RELEASE)


def _guid(text: str) -> Any:
    return (ctypes.c_ubyte * 16).from_buffer_copy(uuid.UUID(text).bytes_le)


def _call(thing: ctypes.c_void_p, place: int, *arguments: Any) -> int:
    table = ctypes.cast(thing, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    method: Any = ctypes.WINFUNCTYPE(ctypes.c_long)  # type: ignore[attr-defined,unused-ignore]  # Windows only
    return int(method(table[place])(thing, *arguments))
