"""A model of lighteval that adds, and errs on every `WRONG`th question: `lighteval custom NAME model.py TASKS`."""

import os

from lighteval.models.abstract_model import LightevalModel
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import SamplingMethod
from lighteval.utils.cache_management import SampleCache, cached

WRONG = int(os.environ["WRONG"])


def answer(query: str, place: int = 0) -> str:
    number = int(query.split()[3])
    return str(2 * number + 1 if (number + place) % WRONG else 0)


class Adder(LightevalModel):
    def __init__(self, config):
        self.config = config
        self._cache = SampleCache(config)

    @property
    def tokenizer(self):
        return None

    @property
    def add_special_tokens(self):
        return False

    @property
    def max_length(self):
        return 2048

    @cached(SamplingMethod.GENERATIVE)
    def greedy_until(self, docs):
        return [
            ModelResponse(input=doc.query, text=[answer(doc.query, place) for place in range(doc.num_samples or 1)])
            for doc in docs
        ]

    @cached(SamplingMethod.LOGPROBS)
    def loglikelihood(self, docs):
        return [
            ModelResponse(
                input=doc.query,
                logprobs=[
                    -0.25 if choice == answer(doc.query) else -1.0 - place / 8
                    for place, choice in enumerate(doc.choices)
                ],
                argmax_logits_eq_gold=[choice == answer(doc.query) for choice in doc.choices],
            )
            for doc in docs
        ]

    @cached(SamplingMethod.PERPLEXITY)
    def loglikelihood_rolling(self, docs):
        return [ModelResponse(input=doc.query, logprobs=[-float(len(doc.query)) / WRONG]) for doc in docs]
