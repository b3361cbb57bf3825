"""A sentence encoder is read by its own pooling, or a note says what is other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.core.errors import CheckpointError
from harness.core.evaluation import EvaluationContext
from harness.evaluations.probes.embedding_association import EmbeddingAssociation, EmbeddingAssociationOptions
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.sentence_pooling import sentence_pooling

PACKAGE = "sentence_transformers.models."


def write(folder: Path, pooling: dict[str, object], *more: str) -> None:
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *((f"2_{kind}", kind) for kind in more)]
    page = [{"idx": n, "name": str(n), "path": path, "type": PACKAGE + kind} for n, (path, kind) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(page))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode": "cls"}, "first"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
    ],
)
def test_the_folder_s_own_pooling_is_used(pooling: dict[str, object], expected: str, tmp_path: Path, opened) -> None:
    folder = model_zoo.language_model("bert", tmp_path / "model")
    plain = checkpoint_digest(folder)
    write(folder, pooling, "Normalize")
    facts = opened(folder).facts
    assert facts.pooling == expected
    assert facts.notes == ()
    assert checkpoint_digest(folder) != plain
    sets = {"targets": {"x": ["a"], "y": ["b"]}, "attributes": {"a": ["c"], "b": ["d"]}}
    probe = EmbeddingAssociation("weat", EmbeddingAssociationOptions(**sets), EvaluationContext())
    assert probe.protocol(facts) == f"embed_{expected}"
    item = next(probe.items([], "test"))
    assert {request.pooling for request in probe.requests(item, f"embed_{expected}")} == {expected}
    named = EmbeddingAssociation("weat", EmbeddingAssociationOptions(**sets, pooling="mean"), EvaluationContext())
    assert named.protocol(facts) == "embed_mean"


@pytest.mark.parametrize(
    ("pooling", "more", "word"),
    [
        ({"pooling_mode": "max"}, (), "'max'"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, (), "'cls+mean'"),
        ({"pooling_mode": "mean"}, ("Router",), "Router"),
        ({"pooling_mode": "mean"}, ("Dense",), "Dense"),
    ],
)
def test_what_harness_does_not_have_is_said(
    pooling: dict[str, object], more: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    write(tmp_path, pooling, *more)
    found = sentence_pooling(tmp_path)
    assert found is not None
    assert len(found.notes) == 1
    assert word in found.notes[0]


def test_a_path_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode": "cls"})
    page = [{"path": "../outside", "type": PACKAGE + "Pooling"}]
    (tmp_path / "modules.json").write_text(json.dumps(page))
    with pytest.raises(CheckpointError, match="expected the name of a folder"):
        sentence_pooling(tmp_path)
