"""`voicediag schema`."""

from __future__ import annotations

import click

from voicediag.cli.streams import put


@click.command(short_help="The JSON schema of a report.")
@click.argument(
    "document", type=click.Choice(["report", "explanation"]), default="report", metavar="[report|explanation]"
)
def schema(document: str) -> None:
    """Print the JSON schema of DOCUMENT: report (the default) or explanation."""
    import json

    import msgspec

    from voicediag.model.explanation import Explanation
    from voicediag.model.report import Report

    made = msgspec.json.schema(Report if document == "report" else Explanation)
    text = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=2)
    put(text + "\n", is_json=True)
