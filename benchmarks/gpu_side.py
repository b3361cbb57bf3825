"""What benchmarks/gpu.sh measures: exactness against float32 on the CPU, memory, and speed against plain transformers.

python benchmarks/gpu_side.py WORK OUT.json [DEVICE]        # DEVICE cpu tries the script itself where there is no GPU
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from harness.models.open_context import OpenContext

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import torch
from harness_support import model_zoo
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from harness.core.requests import Continuations, Generate, Likelihood, RollingLikelihood, Scores
from harness.models.device_policy import answer_policy
from harness.models.open_model import open_model

KINDS = ("continuations", "rolling_likelihood")
LAYERS, WIDTH, ITEMS, BATCH, ROUNDS = 12, 768, 128, 16, 3


def main() -> None:
    work, out = Path(sys.argv[1]), Path(sys.argv[2])
    device = sys.argv[3] if len(sys.argv) > 3 else "cuda"
    items = ITEMS if device != "cpu" else 8
    folder = made(work / "model", small=device == "cpu")
    requests = questions(items)
    reference = answers(folder, "cpu", requests)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    own = answers(folder, device, requests)
    memory = torch.cuda.max_memory_allocated() if device == "cuda" else None
    choices = [request for request in requests if isinstance(request, Continuations)]
    rounds = [(timed_own(folder, device, choices), timed_plain(folder, device, choices)) for _ in range(ROUNDS)]
    ratios = sorted(plain / ours for ours, plain in rounds)
    written = {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "torch": torch.__version__,
        "policy": answer_policy(device),
        "items": items,
        "largest_difference_nats": {name: difference(reference, own, name) for name in KINDS},
        "same_choice": agreement(reference, own, choices),
        "same_generation": sum(
            reference[request].text == own[request].text for request in requests if isinstance(request, Generate)
        ) / items,
        "peak_memory_bytes": memory,
        "weights_bytes": sum(file.stat().st_size for file in folder.glob("*.safetensors")),
        "multiple_choice": {
            "seconds": sorted(ours for ours, _ in rounds)[ROUNDS // 2],
            "seconds_plain": sorted(plain for _, plain in rounds)[ROUNDS // 2],
            "ratio": ratios[ROUNDS // 2],
            "ratios": ratios,
        },
    }  # fmt: skip
    out.write_text(json.dumps(written, indent=1) + "\n")


def made(folder: Path, *, small: bool) -> Path:
    """A Llama of random weights with a tokenizer of bytes."""
    tokenizer = model_zoo.gpt2_tokenizer()
    torch.manual_seed(0)
    layers, width = (2, 64) if small else (LAYERS, WIDTH)
    config = LlamaConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // 64 or 1, intermediate_size=width * 3,
        vocab_size=len(tokenizer), max_position_embeddings=1024, initializer_range=0.1,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def questions(items: int) -> list[Continuations | RollingLikelihood | Generate]:
    """Contexts with four options, whole texts, and prompts."""
    texts = [" ".join(model_zoo.TEXTS[(item + step) % 5] for step in range(1 + item % 3)) for item in range(items)]
    made: list[Continuations | RollingLikelihood | Generate] = []
    for number, text in enumerate(texts):
        made.append(Continuations(f"{number}. {text}", (" good", " bad news", " so long", " music")))
        made.append(RollingLikelihood(f"{text} {number}"))
        made.append(Generate(f"{number}. {text}", max_tokens=16))
    return made


def answers(folder: Path, device: str, requests: list) -> dict:
    model = open_model(folder, OpenContext(resolve=Path, responses=None, device=device))
    return dict(model.answer(requests))


def difference(reference: dict, own: dict, kind: str) -> float:
    """The largest one, in nats."""
    worst = 0.0
    for request, answer in reference.items():
        other = own[request]
        if request.kind != kind:
            continue
        if isinstance(answer, Scores) and isinstance(other, Scores):
            worst = max(worst, *(abs(a - b) for a, b in zip(answer.values, other.values, strict=True)))
        elif isinstance(answer, Likelihood) and isinstance(other, Likelihood):
            worst = max(worst, abs(answer.total - other.total))
        else:
            return float("nan")
    return worst


def agreement(reference: dict, own: dict, choices: list[Continuations]) -> float:
    def best(answer: Scores) -> int:
        return max(range(len(answer.values)), key=answer.values.__getitem__)

    return sum(best(reference[request]) == best(own[request]) for request in choices) / len(choices)


def timed_own(folder: Path, device: str, choices: list[Continuations]) -> float:
    model = open_model(folder, OpenContext(resolve=Path, responses=None, device=device))
    list(model.answer(choices[:2]))
    return clocked(device, lambda: list(model.answer(choices)))


def timed_plain(folder: Path, device: str, choices: list[Continuations]) -> float:
    """Every option as a row of its own, with all logits, as harnesses do it."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    kind = torch.bfloat16 if answer_policy(device)["dtype"] == "bfloat16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=kind).to(device).eval()
    rows = [tokenizer(choice.context + option)["input_ids"] for choice in choices for option in choice.options]
    rows.sort(key=len, reverse=True)

    @torch.inference_mode()
    def run() -> None:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            ids = torch.zeros(len(batch), len(batch[0]), dtype=torch.long)
            for place, row in enumerate(batch):
                ids[place, : len(row)] = torch.tensor(row)
            logits = model(input_ids=ids.to(device)).logits.float()
            torch.log_softmax(logits, -1).gather(-1, ids.to(device)[..., None]).sum().item()

    run()
    return clocked(device, run)


def clocked(device: str, run) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
