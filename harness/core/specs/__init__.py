"""What a suite says of its models: how each is loaded or trained (validated by pydantic).

`suite` reads them, `runs` plans them, `training` and `models` carry them out.
"""

from __future__ import annotations

from harness.core.specs.asking import (
    CompareSpec,
    EvaluationOptions,
)
from harness.core.specs.basics import (
    NAME_PATTERN,
    Count,
    Name,
    Strict,
)
from harness.core.specs.data import (
    CatalogRef,
    DataRef,
    FileRef,
    HubRef,
    SourceRef,
)
from harness.core.specs.debiasing import ProjectSpec, SelfDebiasSpec
from harness.core.specs.finetuning import (
    AdapterMethod,
    AlignSpec,
    FinetuneSpec,
    LoraMethod,
    LoraSpec,
    QloraMethod,
    lora_of,
)
from harness.core.specs.mitigation import (
    LEXICONS_HELP,
    RESERVED_SWAPS,
    AugmentSpec,
    Lexicons,
    Mitigation,
    ReweighSpec,
    TextMitigation,
)
from harness.core.specs.models import (
    AlignModel,
    BaselineModel,
    ClassicalModel,
    FinetuneModel,
    LoadModel,
    ModelSpec,
    PretrainModel,
    ProjectModel,
    PromptModel,
    SelfDebiasModel,
    ServerModel,
    Stage,
    learns,
    starts_from,
)
from harness.core.specs.pretraining import (
    Budget,
    Objective,
    PretrainSpec,
    TokenizerSpec,
)
from harness.core.specs.rivals import (
    BaselineRule,
    BaselineSpec,
    ClassicalSpec,
    PromptSpec,
)
from harness.core.specs.server import (
    ServerSpec,
)
from harness.core.specs.worlds import (
    WorldsSpec,
    in_world,
)

__all__ = [
    "AugmentSpec",
    "LEXICONS_HELP",
    "Lexicons",
    "Mitigation",
    "RESERVED_SWAPS",
    "ReweighSpec",
    "TextMitigation",
    "AdapterMethod",
    "AlignModel",
    "AlignSpec",
    "BaselineModel",
    "BaselineRule",
    "BaselineSpec",
    "Budget",
    "CatalogRef",
    "ClassicalModel",
    "ClassicalSpec",
    "CompareSpec",
    "Count",
    "DataRef",
    "EvaluationOptions",
    "FileRef",
    "FinetuneModel",
    "FinetuneSpec",
    "HubRef",
    "LoadModel",
    "LoraMethod",
    "LoraSpec",
    "ModelSpec",
    "NAME_PATTERN",
    "Name",
    "Objective",
    "PretrainModel",
    "PretrainSpec",
    "ProjectModel",
    "ProjectSpec",
    "PromptModel",
    "PromptSpec",
    "QloraMethod",
    "SelfDebiasModel",
    "SelfDebiasSpec",
    "ServerModel",
    "ServerSpec",
    "SourceRef",
    "Stage",
    "Strict",
    "TokenizerSpec",
    "WorldsSpec",
    "in_world",
    "learns",
    "lora_of",
    "starts_from",
]
