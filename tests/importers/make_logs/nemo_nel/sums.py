"""A benchmark of one's own for NeMo Evaluator 0.3 and later (`nel`): sums."""

from nemo_evaluator import ScorerInput, benchmark, exact_match, scorer


@benchmark(
    name="sums",
    dataset=lambda: [
        {"n": n, "m": n + 1, "answer": str(2 * n + 1), "category": "even" if n % 2 == 0 else "odd"} for n in range(12)
    ],
    prompt="How much is {n} plus {m}?",
    target_field="answer",
)
@scorer
def score(sample: ScorerInput) -> dict:
    return exact_match(sample)
