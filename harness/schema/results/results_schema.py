"""The JSON Schema of results.json, as it is shipped beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.schema.results.results_file import RESULTS_SCHEMA, Results

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHIPPED = Path(__file__).with_name("results.schema.json")


def results_schema() -> dict[str, Any]:
    """The schema of what `RunDir.write` writes: every key is there, and no other."""
    schema = Results.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    schema["properties"]["schema_version"] = {"const": RESULTS_SCHEMA, "description": "of this layout"}
    return {"$schema": DIALECT, **schema, "title": "harness results"}
