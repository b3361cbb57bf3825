"""The JSON Schema of a suite file, for completion and checks in editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from harness.core import registry
from harness.core.model_kind import kinds
from harness.schema.suite.compare_section import CompareSpec
from harness.schema.suite.data_refs import CatalogRef, FileRef, HubRef, SourceRef
from harness.schema.suite.gate_rules import COMPOSED_KEYS, COMPOSITIONS, JOINTS, KINDS, Defaults, Waiver
from harness.schema.suite.policy_file import REQUIRED_SECTIONS, PolicyRef, PolicySections
from harness.schema.suite.types import NAME_PATTERN
from harness.suite.sections import REQUIRED, TEXTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DATA: tuple[type[BaseModel], ...] = (CatalogRef, FileRef, HubRef, SourceRef)


def json_schema(further: Mapping[str, type[BaseModel]] | None = None) -> dict[str, Any]:
    """The schema of a whole suite, with the options of every registered model kind, task and probe.

    Cross references (names, metrics that fit, circles) are beyond it; `load_suite` checks them.

    Args:
        further: sections of suites that more than the plain loader reads: key → model.
    """
    tasks, probes, added = _options("tasks"), _options("probes"), further or {}
    rule_models = (*KINDS.values(), *COMPOSITIONS.values(), *JOINTS.values())
    every: list[type[BaseModel]] = [*_DATA, *added.values(), CompareSpec, *rule_models, Defaults, Waiver, PolicyRef]
    every += [*(kind.Options for kind in kinds()), *tasks.values(), *probes.values()]
    places, definitions = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(every)], ref_template="#/$defs/{model}"
    )

    def of(model: type[BaseModel]) -> dict[str, Any]:
        return dict(places[(model, "validation")])

    def any_of(models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
        return {"anyOf": [of(model) for model in models]}

    def evaluations(kinds: dict[str, type[BaseModel]], what: str) -> dict[str, Any]:
        properties = {kind: of(model) for kind, model in kinds.items()}
        return _named({**_object(properties), "minProperties": 1, "maxProperties": 1}, what)

    models = [
        of(kind.Options) if kind.flat else {**_object({kind.name: of(kind.Options)}), "required": [kind.name]}
        for kind in kinds()
    ]
    rules = {"type": "array", "items": any_of(rule_models)}
    definitions["$defs"] |= _members(definitions["$defs"])
    gates = {
        "rules": rules,
        "defaults": of(Defaults),
        "waivers": {"type": "array", "items": of(Waiver)},
    }
    properties = {
        "name": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "description": "Name of the suite and of its report folder.",
        },
        "title": {"type": "string", "description": "Title of the report. Defaults to the name."},
        "description": {"type": "string", "description": "Purpose of the suite, in a sentence or two."},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1, "default": 0},
        "data": _named(any_of(_DATA), "Datasets by name."),
        "models": _named({"anyOf": models}, "Models by name: how each is trained or loaded."),
        **{key: of(model) for key, model in added.items()},
        "compare": of(CompareSpec),
        "tasks": evaluations(tasks, "Capability evaluations by name."),
        "probes": evaluations(probes, "Bias, fairness, and robustness evaluations by name."),
        "policy": {
            "anyOf": [of(PolicyRef), {"type": "array", "items": of(PolicyRef)}],
            "description": "Policies that hold this suite, each by its file and digest.",
        },
        "texts": {
            "enum": list(TEXTS),
            "default": TEXTS[0],
            "description": "Whose texts a run's files hold: all items, those fixed or broken (flips), or none.",
        },
        "gates": {"anyOf": [rules, _object(gates)], "description": "Release gates."},
    }
    return {
        "$schema": DIALECT,
        "title": "harness suite",
        **_object(properties),
        "required": list(REQUIRED),
        "$defs": dict(sorted(definitions["$defs"].items())),
    }


def policy_schema() -> dict[str, Any]:
    """The schema of a policy file."""
    rule_models = (*KINDS.values(), *COMPOSITIONS.values(), *JOINTS.values())
    every: list[type[BaseModel]] = [*rule_models, Defaults, PolicySections]
    places, definitions = models_json_schema([(model, "validation") for model in every], ref_template="#/$defs/{model}")
    definitions["$defs"] |= _members(definitions["$defs"])
    rules = {"type": "array", "items": {"anyOf": [dict(places[(model, "validation")]) for model in rule_models]}}
    asked = definitions["$defs"].pop(PolicySections.__name__)
    asked["properties"]["require"] |= _object({key: {} for key in REQUIRED_SECTIONS})
    gates = _object({"rules": rules, "defaults": dict(places[(Defaults, "validation")])})
    return {
        "$schema": DIALECT,
        "title": "harness policy",
        **_object({**asked["properties"], "gates": {"anyOf": [rules, gates], "description": "Judged in every suite."}}),
        "required": asked["required"],
        "$defs": dict(sorted(definitions["$defs"].items())),
    }


def _members(definitions: dict[str, Any]) -> dict[str, Any]:
    """Rules as they stand inside a composition: the name may be left out, and what decides is the whole's."""
    made: dict[str, Any] = {}
    for kind, model in {**KINDS, **COMPOSITIONS, **JOINTS}.items():
        whole = definitions[model.__name__]
        if kind in COMPOSITIONS:
            whole["properties"][kind]["items"] = {"$ref": "#/$defs/Member"}
        properties = {key: value for key, value in whole["properties"].items() if key not in COMPOSED_KEYS}
        required = [key for key in whole["required"] if key != "id"]
        made[f"{model.__name__}Member"] = {**whole, "properties": properties, "required": required}
    return {**made, "Member": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in made]}}


def _options(group: str) -> dict[str, type[BaseModel]]:
    return {kind: registry.load(group, kind).Options for kind in registry.names(group)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": schema,
    }
