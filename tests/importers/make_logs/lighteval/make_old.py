"""Logs of lighteval up to 0.10 by a model of its own: `python make_old.py FOLDER` where lighteval is installed."""

import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TASKS = "community|sums:written|0|0,community|sums:chosen|0|0,community|sums:single|0|0"


def ask(name: str, folder: str, wrong: int) -> None:
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.models.abstract_model import ModelInfo
    from lighteval.models.dummy.dummy_model import DummyModel, DummyModelConfig
    from lighteval.models.model_output import (
        GenerativeResponse,
        LoglikelihoodResponse,
        LoglikelihoodSingleTokenResponse,
    )
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

    class Letters:
        chat_template = None

        def encode(self, text, **_):
            return list(text.encode())

    def answer(query: str) -> str:
        number = int(query.split()[3])
        return str(2 * number + 1 if number % wrong else 0)

    class Adder(DummyModel):
        tokenizer = Letters()

        def greedy_until(self, requests, override_bs=None):
            return [GenerativeResponse(result=[answer(request.context)]) for request in requests]

        def loglikelihood(self, requests, override_bs=None):
            same = [request.choice.strip() == answer(request.context) for request in requests]
            return [LoglikelihoodResponse((-0.25 if right else -1.0, right)) for right in same]

        def loglikelihood_single_token(self, requests, override_bs=None):
            return [
                LoglikelihoodSingleTokenResponse(
                    result=[-0.25 if choice.strip() == answer(request.context) else -1.0 for choice in request.choices]
                )
                for request in requests
            ]

    model = Adder(*([DummyModelConfig(seed=42), None][: Adder.__init__.__code__.co_argcount - 1]))
    model._random = random.Random(0)
    model.model_info = ModelInfo(model_name=f"adder-{name}", model_sha="", model_dtype="", model_size="")
    # lighteval takes a model of its own kind only where it loads one.
    Pipeline._init_model = lambda self, config, given: given
    tracker = EvaluationTracker(output_dir=folder, save_details=True)
    settings = PipelineParameters(launcher_type=ParallelismManager.NONE, custom_tasks_directory=str(HERE / "tasks.py"))
    pipeline = Pipeline(TASKS, settings, tracker, model=model)
    pipeline.evaluate()
    pipeline.save_and_push_results()


if len(sys.argv) > 2:
    ask(sys.argv[2], f"{sys.argv[1]}/{sys.argv[2]}", int(os.environ["WRONG"]))
else:
    rows = Path(sys.argv[1], "rows")
    rows.mkdir(parents=True)
    content = subprocess.run([sys.executable, HERE / "rows.py"], capture_output=True, check=True).stdout
    (rows / "test.jsonl").write_bytes(content)
    for name, wrong in (("base", "2"), ("tuned", "5")):
        settings = {"ROWS": str(rows), "WRONG": wrong, "HF_HUB_OFFLINE": "1", "HF_HOME": f"{sys.argv[1]}/cache-{name}"}
        subprocess.run([sys.executable, __file__, sys.argv[1], name], env={**os.environ, **settings}, check=True)
