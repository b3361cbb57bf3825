"""A test run of DeepEval with two metrics that need no judge: `python deepeval_exact.py FOLDER`."""

import os
import sys

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"

from deepeval import evaluate
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase


class Equal(BaseMetric):
    """Whether the answer is the expected one."""

    def __init__(self):
        self.threshold, self.async_mode, self.reason = 0.5, False, ""

    def measure(self, case, *args, **options):
        self.score = self.value(case)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, case, *args, **options):
        return self.measure(case)

    def value(self, case):
        return float(case.actual_output == case.expected_output)

    def is_successful(self):
        return self.success

    @property
    def __name__(self):
        return type(self).__name__


class Length(Equal):
    """A twentieth for each character."""

    def value(self, case):
        return min(1.0, len(case.actual_output) / 20)


for name, wrong in (("base", 2), ("tuned", 5)):
    os.environ["DEEPEVAL_RESULTS_FOLDER"] = f"{sys.argv[1]}/{name}"
    cases = [
        LLMTestCase(
            name=f"case {n}",
            input=f"How much is {n} plus {n + 1}?",
            actual_output=str(2 * n + 1) if n % wrong else "no idea",
            expected_output=str(2 * n + 1),
        )
        for n in range(12)
    ]
    evaluate(cases, [Equal(), Length()])
