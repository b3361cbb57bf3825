"""A benchmark of one's own for NeMo Evaluator (BYOB): sums, scored by two rules."""

import os

from nemo_evaluator.contrib.byob import ScorerInput, benchmark, scorer


@benchmark(name="sums", dataset=os.environ["ROWS"], prompt="How much is {n} plus {m}?", target_field="answer")
@scorer
def score(given: ScorerInput) -> dict:
    return {"correct": given.response.strip() == str(given.target), "length": len(given.response) / 20}
