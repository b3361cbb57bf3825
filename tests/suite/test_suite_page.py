from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from harness.calibration.planted_bias_spec import PlantedBiasSpec
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.load_kind import LoadModel
from harness.model_kinds.pretrain_kind import Budget, PretrainSpec, TokenizerSpec
from harness.model_kinds.server_kind import ServerSpec
from harness.model_kinds.weight_tuning import LoraSpec
from harness.schema.suite.compare_section import CompareSpec
from harness.schema.suite.data_refs import CatalogRef, FileRef, HubRef, SourceRef
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
    PlantedBiasSpec,
)


def test_every_key_is_described() -> None:
    keys = set(SECTIONS)
    for model in MODELS:
        keys |= {field.alias or name for name, field in model.model_fields.items()}
    words = set(re.findall(r"[a-z_]+", PAGE))
    assert sorted(keys - words) == []
