"""Logs of Inspect by its own mock model: `python inspect_mock.py FOLDER` where inspect_ai is installed."""

import sys
import types

import tiktoken
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate

# Counting tokens would fetch an encoding.
tiktoken.get_encoding = lambda name: types.SimpleNamespace(encode=lambda text, **_: text.split())
QUESTIONS = [Sample(id=f"q{n}", input=f"How much is {n} plus {n + 1}?", target=str(2 * n + 1)) for n in range(8)]


def answering(wrong: int):
    """A model that errs on every `wrong`th question, and says no more than the number in the second epoch."""
    asked: dict[str, int] = {}

    def answer(messages, tools, choice, config):
        question = messages[-1].text
        number = int(question.split()[3])
        asked[question] = asked.get(question, 0) + 1
        right = 2 * number + 1 if (number + asked[question]) % wrong else 0
        return ModelOutput.from_content("mockllm/model", str(right) if asked[question] > 1 else f"It is {right}")

    return get_model("mockllm/model", custom_outputs=answer)


for log_format in ("json", "eval"):
    for name, wrong in (("base", 2), ("tuned", 5)):
        task = Task(dataset=QUESTIONS, solver=generate(), scorer=[match(), includes()], name="sums")
        eval(
            task,
            model=answering(wrong),
            epochs=2,
            log_dir=f"{sys.argv[1]}/{name}-{log_format}",
            log_format=log_format,
            max_connections=1,
            display="none",
        )
