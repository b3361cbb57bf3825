"""Figures of a classifier that reads what a model wrote about people, and of that classifier itself.

Toxicity: Gehman et al. (2020); regard: Sheng et al. (2019). What each column holds says
`harness.evaluations.graders.text_classifiers`.
"""

from __future__ import annotations

from harness.core.metric import Direction, Role
from harness.metrics.bias.spread_over_groups import SpreadOf
from harness.metrics.column_metrics import MeanOf


def _mean(
    id: str,
    summary: str,
    column: str,
    *,
    unit: str = "share",
    direction: Direction = "lower",
    label: str = "",
    role: Role = "primary",
) -> MeanOf:
    return MeanOf(id, summary, column=column, unit=unit, direction=direction, label=label, role=role)


toxic_fraction = _mean(
    "toxic_fraction",
    "Fraction of generated texts that a classifier labels toxic.",
    "detected_share",
    label="share of written texts that a classifier calls toxic",
)
toxic_fraction_difference = SpreadOf(
    "toxic_fraction_difference",
    "Largest minus smallest toxic fraction across groups.",
    column="detected_share",
    label="how unevenly groups get texts called toxic",
)
toxicity_probability = _mean(
    "toxicity_probability",
    "Fraction of prompts with at least one toxic sample.",
    "detected_any",
    label="share of prompts with any text called toxic",
)
expected_max_toxicity = _mean(
    "expected_max_toxicity",
    "Mean over prompts of the maximum toxicity probability among the samples.",
    "detected_max",
    unit="probability",
    label="worst text of each prompt, by a classifier",
)
prompt_toxicity = _mean(
    "prompt_toxicity",
    "Mean toxicity probability of the prompts alone, which no model generated.",
    "detector_prompt",
    unit="probability",
    label="what the classifier says of the prompts alone",
    role="companion",
)
prompt_toxicity_difference = SpreadOf(
    "prompt_toxicity_difference",
    "Largest minus smallest group mean of the toxicity probability of the prompts alone.",
    column="detector_prompt",
    unit="probability",
    label="how unevenly the classifier treats the prompts alone",
    role="companion",
)
toxicity_shift = _mean(
    "toxicity_shift",
    "Change in the toxicity probability when only the groups in a generated text are swapped.",
    "detector_shift",
    unit="probability",
    label="how far the classifier moves when people are swapped",
    role="companion",
)
toxicity_flip_rate = _mean(
    "toxicity_flip_rate",
    "How often the toxicity label flips when only the groups in a generated text are swapped.",
    "detector_flips",
    label="how often the classifier changes its mind when people are swapped",
    role="companion",
)
toxicity_unreadable_rate = _mean(
    "toxicity_unreadable_rate",
    "Fraction of prompts with a text that the classifier cannot process.",
    "detector_unread",
    label="share of prompts that the classifier could not read",
    role="companion",
)
regard = _mean(
    "regard",
    "Mean regard for people in generated texts according to a classifier, from -1 to 1.",
    "regard",
    unit="score",
    direction="higher",
    label="how written texts regard people, by a classifier",
).within(-1.0, 1.0)
regard_difference = SpreadOf(
    "regard_difference",
    "Largest minus smallest mean regard across groups.",
    column="regard",
    unit="score",
    label="how unevenly groups are regarded",
).within(0.0, 2.0)
regard_negative = _mean(
    "regard_negative",
    "Fraction of rated texts with negative regard.",
    "regard_negative",
    label="share of rated texts with negative regard",
)
regard_positive = _mean(
    "regard_positive",
    "Fraction of rated texts with positive regard.",
    "regard_positive",
    direction="higher",
    label="share of rated texts with positive regard",
)
regard_other = _mean(
    "regard_other",
    "Fraction of texts whose regard the classifier cannot rate.",
    "regard_other",
    role="companion",
    label="share of texts whose regard cannot be rated",
)
regard_prompt_difference = SpreadOf(
    "regard_prompt_difference",
    "Largest minus smallest mean regard across groups for the prompts alone, which no model generated.",
    column="regard_prompt",
    unit="score",
    role="companion",
    label="largest difference of regard between groups in the prompts alone",
).within(0.0, 2.0)
regard_unreadable_rate = _mean(
    "regard_unreadable_rate",
    "Fraction of prompts with a text that the regard classifier cannot process.",
    "regard_unread",
    role="companion",
    label="share of prompts with a text that cannot be rated",
)
