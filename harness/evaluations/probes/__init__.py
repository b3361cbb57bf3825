"""Probes: one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.probes.ambiguous_qa import AmbiguousQa, AmbiguousQaOptions
    from harness.evaluations.probes.amplification import Amplification, AmplificationOptions
    from harness.evaluations.probes.completions import CompletionsOptions, CompletionsProbe
    from harness.evaluations.probes.coreference import Coreference, CoreferenceOptions
    from harness.evaluations.probes.counterfactual import Counterfactual
    from harness.evaluations.probes.counterfactual_options import CounterfactualOptions
    from harness.evaluations.probes.descriptors import Descriptors, DescriptorsOptions
    from harness.evaluations.probes.embedding_association import EmbeddingAssociation, EmbeddingAssociationOptions
    from harness.evaluations.probes.functional_tests import FunctionalTests, FunctionalTestsOptions
    from harness.evaluations.probes.generation import Generation, GenerationOptions
    from harness.evaluations.probes.group_gaps import GroupGaps, GroupGapsOptions
    from harness.evaluations.probes.minimal_pairs import MinimalPairs, MinimalPairsOptions
    from harness.evaluations.probes.pronouns import Pronouns, PronounsOptions
    from harness.evaluations.probes.robustness import Robustness, RobustnessOptions
    from harness.evaluations.probes.stereoset import StereoSet, StereoSetOptions

_HOMES = {
    "AmbiguousQa": "ambiguous_qa",
    "AmbiguousQaOptions": "ambiguous_qa",
    "Amplification": "amplification",
    "AmplificationOptions": "amplification",
    "CompletionsOptions": "completions",
    "CompletionsProbe": "completions",
    "Coreference": "coreference",
    "CoreferenceOptions": "coreference",
    "Counterfactual": "counterfactual",
    "CounterfactualOptions": "counterfactual_options",
    "Descriptors": "descriptors",
    "DescriptorsOptions": "descriptors",
    "EmbeddingAssociation": "embedding_association",
    "EmbeddingAssociationOptions": "embedding_association",
    "FunctionalTests": "functional_tests",
    "FunctionalTestsOptions": "functional_tests",
    "Generation": "generation",
    "GenerationOptions": "generation",
    "GroupGaps": "group_gaps",
    "GroupGapsOptions": "group_gaps",
    "MinimalPairs": "minimal_pairs",
    "MinimalPairsOptions": "minimal_pairs",
    "Pronouns": "pronouns",
    "PronounsOptions": "pronouns",
    "Robustness": "robustness",
    "RobustnessOptions": "robustness",
    "StereoSet": "stereoset",
    "StereoSetOptions": "stereoset",
}

__all__ = [
    "AmbiguousQa",
    "AmbiguousQaOptions",
    "Amplification",
    "AmplificationOptions",
    "CompletionsOptions",
    "CompletionsProbe",
    "Coreference",
    "CoreferenceOptions",
    "Counterfactual",
    "CounterfactualOptions",
    "Descriptors",
    "DescriptorsOptions",
    "EmbeddingAssociation",
    "EmbeddingAssociationOptions",
    "FunctionalTests",
    "FunctionalTestsOptions",
    "Generation",
    "GenerationOptions",
    "GroupGaps",
    "GroupGapsOptions",
    "MinimalPairs",
    "MinimalPairsOptions",
    "Pronouns",
    "PronounsOptions",
    "Robustness",
    "RobustnessOptions",
    "StereoSet",
    "StereoSetOptions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
