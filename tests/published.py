"""Small dictionaries in the form in which Twilio publishes its own. The words are made up."""

from __future__ import annotations

import json
from typing import Any

DOCS = (
    "## ERROR - 63016\r\n\r\n### Message outside the window\r\n\r\nSee the [guide](/docs/guide) first.\r\n\r\n"
    "#### Possible Causes\r\n* The `window` is closed.\r\n* The **template** is missing.\r\n\r\n"
    "#### Possible Solutions\r\n* Send a template.\r\n"
)


def entry(code: int, **fields: Any) -> dict[str, Any]:
    """An entry with every field that the published ones have."""
    return {
        "code": code,
        "message": f"Title of {code}",
        "log_level": "ERROR",
        "secondary_message": None,
        "log_type": "APPLICATION",
        "docs": f"## ERROR - {code}\r\n\r\n### Title of {code}\r\n\r\nTheir words on {code}.",
        "causes": None,
        "solutions": None,
        "description": None,
        "product": "Programmable Voice",
        "date_created": "2019-02-01T15:37:51Z",
        "last_updated": "2020-11-16T17:47:54.283Z",
    } | fields


def document(*entries: Any) -> bytes:
    """The published document."""
    return json.dumps(entries).encode()


def sample() -> bytes:
    """A code of ours, one that only Twilio's dictionary has, and the odd numbers of digits that it has."""
    return document(
        entry(31403, last_updated="2023-05-11T23:25:11.2Z"),
        entry(63016, message="Message outside the window", docs=DOCS, product="Programmable SMS"),
        entry(403),
        entry(456001, log_level="WARNING"),
        entry(50000),
    )
