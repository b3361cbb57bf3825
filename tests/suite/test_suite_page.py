from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from harness.core.specs import (
    Budget,
    CatalogRef,
    ClassicalSpec,
    CompareSpec,
    FileRef,
    FinetuneSpec,
    HubRef,
    LoadModel,
    LoraSpec,
    PretrainSpec,
    ServerSpec,
    SourceRef,
    TokenizerSpec,
    WorldsSpec,
)
from harness.suite.sections import SECTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "suite.md").read_text("utf-8")
MODELS: tuple[type[BaseModel], ...] = (
    Budget,
    CatalogRef,
    ClassicalSpec,
    CompareSpec,
    FileRef,
    FinetuneSpec,
    HubRef,
    LoadModel,
    LoraSpec,
    PretrainSpec,
    ServerSpec,
    SourceRef,
    TokenizerSpec,
    WorldsSpec,
)


def test_every_key_is_described() -> None:
    keys = set(SECTIONS)
    for model in MODELS:
        keys |= {field.alias or name for name, field in model.model_fields.items()}
    words = set(re.findall(r"[a-z_]+", PAGE))
    assert sorted(keys - words) == []
