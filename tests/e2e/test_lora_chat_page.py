"""The tutorial docs/lora-chat.md is run as it is written, on SmolLM2."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness_support.tiny_world import Shell

from harness.core.errors import IncompleteError
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate
from harness.storage.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "lora-chat.md"
NAMED = "path/to/SmolLM2-135M-Instruct"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.network
def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    cache = Path(os.environ["HARNESS_CACHE_DIR"])
    try:
        base = locate(NamedCheckpoint("catalog:smollm2-135m-instruct", None), base=tmp_path, store=Store(cache))
    except IncompleteError as error:
        pytest.skip(f"the checkpoint cannot be fetched: {error.message}")
    data, training = blocks("python")
    for block in (data, training.replace(NAMED, str(base))):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True, timeout=900)
    (suite,) = blocks("yaml")
    (tmp_path / "shop.yaml").write_text(suite.replace(NAMED, str(base)), "utf-8")
    run = Shell(tmp_path, cache).run("shop.yaml")
    results = run["results"]
    (gained,) = [row for row in results["comparisons"] if row["id"] == "prices.target_bits_per_byte"]
    assert gained["delta"]["high"] < 0
    assert {gate["id"]: gate["verdict"] for gate in results["gates"]} == {"learned": "pass"}
    assert any("shape of OpenAI" in note for data in results["data"] for note in data["notes"])
    assert "shape of OpenAI" in run["stderr"]
    assert json.dumps(results["evaluations"]).count('"chat"') > 0
