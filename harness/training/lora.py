"""LoRA fine-tuning (Hu et al. 2022) by peft: low-rank updates, a new head, the base untouched."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.core import atomic
from harness.core.errors import SuiteError
from harness.core.reporter import Reporter
from harness.core.specs import FinetuneSpec, LoraMethod, LoraSpec
from harness.training import cost
from harness.training.checkpoints import write_page
from harness.training.finetune import classification_loss, loop_settings, plan_for
from harness.training.inputs import StageInputs
from harness.training.loop import train
from harness.training.parents import load_classifier, load_tokenizer
from harness.training.runtime import reproducible
from harness.training.settings import settings_for
from harness.training.tokenizer import save_tokenizer
from harness.training.validation import scorer

_HEADS = ("pooler", "pre_classifier", "classifier", "score")
_BERT_TARGETS = ("query", "key", "value", "dense")


def finetune_lora(
    spec: FinetuneSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Trains an adapter and a head on a frozen checkpoint; the base is referenced by its key, not copied.

    Returns:
        The checkpoint's page and what was measured.

    Raises:
        DataError: when examples are missing or unfit.
        CheckpointError: when the parent cannot be loaded.
        SuiteError: when the target modules do not exist or options contradict each other.
        IncompleteError: when training diverges.
    """
    inputs.require_examples()
    parent = inputs.require_parent()
    if not isinstance(spec.method, LoraMethod):
        raise TypeError("finetune_lora carries out the method lora only")
    if spec.weights == "random":
        raise SuiteError(
            "LoRA on random weights teaches nothing: they stay frozen.",
            hint="use `method: full` with `weights: random`.",
        )
    chosen = settings_for(spec, len(inputs.train))
    if chosen.memory:
        raise SuiteError("`memory` belongs to full fine-tuning; LoRA leaves the base as it is.", hint="leave it out.")
    with reproducible(inputs.seed):
        tokenizer = load_tokenizer(parent)
        base = load_classifier(parent, inputs.labels, weights="pretrained", seed=inputs.seed)
        plan = plan_for(tokenizer, base, inputs, chosen)
        model = _adapted(base, spec.method.lora)
        counts = cost.parameter_counts(model)
        flops = cost.plan_flops(base, plan, trained=counts["trainable"] / counts["parameters"])
        progress = train(
            model,
            plan,
            classification_loss(chosen, None),
            loop_settings(chosen, inputs.seed, save_every),
            work=work,
            title="LoRA fine-tuning",
            identity={"stage": spec.model_dump(mode="json"), "parent": inputs.parent_digest, "chosen": asdict(chosen)},
            flops=flops,
            reporter=reporter,
            score=scorer(tokenizer, inputs.validation, chosen.max_length),
            epochs=chosen.epochs,
        )
        model.save_pretrained(str(work), safe_serialization=True, save_embedding_layers=False)
    _settle(work / "adapter_config.json", inputs.parent_key)
    # peft writes a model card of its own with the base's path in it; a checkpoint holds no paths.
    (work / "README.md").unlink(missing_ok=True)
    save_tokenizer(tokenizer, work)
    page = write_page(
        work,
        kind="adapter",
        stage=spec.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        cost={"tokens": progress.tokens, "flops": flops, "steps": len(plan), **counts},
        recipe={**asdict(chosen), "lora": _options(spec.method.lora)},
    )
    return {**page, "validation": progress.best, "measured": progress.measured()}


def _options(spec: LoraSpec) -> dict[str, Any]:
    return {
        "rank": spec.rank,
        "alpha": spec.alpha if spec.alpha is not None else 2.0 * spec.rank,
        "dropout": spec.dropout,
        "targets": spec.targets,
    }


def _adapted(base: Any, spec: LoraSpec) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model

    heads = [name for name in _HEADS if any(part == name for path, _ in base.named_modules() for part in _parts(path))]
    options = _options(spec)
    targets = spec.targets or (list(_BERT_TARGETS) if base.config.model_type == "bert" else None)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=spec.rank,
        lora_alpha=options["alpha"],
        lora_dropout=spec.dropout,
        target_modules=targets,
        exclude_modules=heads_pattern(heads),
        modules_to_save=heads,
    )
    try:
        model = get_peft_model(base, config)
    except ValueError as error:
        raise SuiteError(
            f"LoRA cannot be put into this model: {error}",
            hint="name modules of the model under `targets`, for BERT query, key, value and dense.",
        ) from error
    return model


def _settle(path: Path, parent_key: str | None) -> None:
    """Rewrites peft's configuration: the base by its key instead of a path, and sets in order.

    Its bytes must not change between runs. While peft works it must see the path, because it would
    look for a name that is no folder on the network.
    """
    content = json.loads(path.read_text("utf-8"))
    content["base_model_name_or_path"] = parent_key
    for name in ("target_modules", "modules_to_save"):
        if isinstance(content.get(name), list):
            content[name] = sorted(set(content[name]))
    atomic.write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def heads_pattern(heads: list[str]) -> str | None:
    """A pattern of the modules that are trained whole and therefore get no adapter."""
    return rf".*\b({'|'.join(heads)})\b.*" if heads else None


def _parts(path: str) -> list[str]:
    return path.split(".")
