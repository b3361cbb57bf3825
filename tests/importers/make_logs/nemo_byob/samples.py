"""The samples that containers of NeMo Evaluator 0.2 write, by its own record: `python samples.py FOLDER`."""

import sys
from pathlib import Path

from nemo_evaluator.api.api_dataclasses import SAMPLE_OUTPUTS_DIR, SampleRecord

for model, wrong in (("base", 2), ("tuned", 5)):
    folder = Path(sys.argv[1], model, SAMPLE_OUTPUTS_DIR)
    folder.mkdir(parents=True)
    with (folder / "sums.jsonl").open("w") as file:
        for n in range(12):
            answer = str(2 * n + 1) if n % wrong else "no idea"
            record = SampleRecord(
                id=f"sum {n}",
                query=f"How much is {n} plus {n + 1}?",
                generation=f"It is {answer}",
                answer=answer,
                ground_truth=str(2 * n + 1),
                score=int(n % wrong != 0),
                score_name="symbolic_correct",
                num_generated_tokens=3,
                num_prompt_tokens=8,
            )
            file.write(record.model_dump_json() + "\n")
