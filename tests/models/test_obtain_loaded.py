"""Which base an adapter stands on, and what its folder holds: the pair is found by content, whatever names say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from harness_support import adapter_zoo as zoo
from harness_support import model_zoo
from harness_support.model_zoo import TEXTS
from harness_support.plain_reference import close
from peft import LoraConfig, PeftModel, get_peft_model

from harness.core.errors import CheckpointError, Where
from harness.core.reporter import Silent
from harness.core.requests import Classify, RollingLikelihood
from harness.model_kinds.load_kind import LoadModel
from harness.models.cached_model import CachedModel
from harness.models.local.base_cache import BasePool
from harness.models.obtain_loaded import obtain_loaded
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.storage.store import Store

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}: {{ m['content'] }}<|im_end|>{% endfor %}"


class Suite:
    """A folder with a store of its own, in which entries are obtained and asked as a run does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reporter = Silent()
        self.store = Store(folder / "cache", reporter=self.reporter)
        self.where = Where(folder / "suite.yaml")
        self.noted: dict[str, Path] = {}
        self.pool = BasePool()

    def resolve(self, key: str) -> Path:
        return self.noted.get(key, Path(key))

    def note(self, key: str, folder: Path) -> None:
        self.noted[key] = folder

    def obtain(self, **options: Any) -> Any:
        return obtain_loaded(LoadModel(**options), self)

    def open(self, obtained: Any) -> CachedModel:
        return open_model(
            obtained.path,
            OpenContext(
                resolve=self.resolve,
                responses=self.folder / "responses.sqlite",
                device="cpu",
                reporter=self.reporter,
                pool=self.pool,
            ),
        )

    def likelihood(self, text: str = zoo.TEXT, **options: Any) -> float:
        ((_, answer),) = self.open(self.obtain(**options)).answer([RollingLikelihood(text)])
        return answer.total

    def llama(self, name: str, seed: int = 0, **more: Any) -> Path:
        return model_zoo.language_model("llama", self.folder / name, seed, length=64, **more)

    def said(self) -> str:
        return "\n".join([*self.reporter.messages, *self.reporter.warnings])


@pytest.fixture
def suite(tmp_path):
    return Suite(tmp_path)


def expected(base, adapter, text=zoo.TEXT, tokenizer=None):
    return zoo.text_likelihood(zoo.on_base(base, adapter), tokenizer or base, text)


def test_two_bases_of_one_name_each_have_their_own_adapter(suite):
    wanted = {}
    for seed, side in enumerate(("left", "right")):
        base = suite.llama(f"{side}/model", seed)
        zoo.write_adapter(suite.folder / side / "lora", base, zoo.lora())
        zoo.change_config(suite.folder / side / "lora", base_model_name_or_path="model")
        wanted[side] = expected(base, suite.folder / side / "lora")
    made = {side: suite.obtain(load=f"{side}/model", adapter=f"{side}/lora") for side in wanted}
    for side, obtained in made.items():  # opened after all are obtained, as in a run
        ((_, answer),) = suite.open(obtained).answer([RollingLikelihood(zoo.TEXT)])
        assert close(answer.total, wanted[side])


def test_one_adapter_on_two_bases_is_two_models(suite):
    bases = [suite.llama(name, seed) for seed, name in enumerate(("one", "two"))]
    zoo.write_adapter(suite.folder / "lora", bases[0], zoo.lora())
    found = [suite.likelihood(load=base.name, adapter="lora") for base in bases]
    assert all(map(close, found, [expected(base, suite.folder / "lora") for base in bases]))
    assert len({suite.obtain(load=base.name, adapter="lora").digest for base in bases}) == 2


@pytest.mark.parametrize("named", ["other", "owner/name", "/gone/base", "", None, 5])
def test_another_name_for_the_base_is_said_and_not_obeyed(named, suite, monkeypatch):
    monkeypatch.chdir(suite.folder)
    base = suite.llama("base")
    suite.llama("other", 1)
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    zoo.change_config(suite.folder / "lora", base_model_name_or_path=named)
    assert close(suite.likelihood(load="base", adapter="lora"), expected(base, suite.folder / "lora"))
    assert (repr(named) if isinstance(named, str) and named else "names no base") in suite.said()


def test_the_same_base_needs_no_word(suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    suite.obtain(load="base", adapter="lora")
    assert suite.said() == ""


def test_an_adapter_of_harness_keeps_to_the_base_that_it_was_trained_on(suite):
    base, other = suite.llama("base"), suite.llama("other", 1)
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    pair = suite.obtain(load="base", adapter="lora").path
    shutil.copytree(pair, suite.folder / "exported", ignore=shutil.ignore_patterns(".*", "manifest.json"))
    assert close(suite.likelihood(load=str(base), adapter="exported"), expected(base, pair))
    with pytest.raises(CheckpointError, match="trained on another base"):
        suite.obtain(load=str(other), adapter="exported")


def test_an_adapter_is_no_base_of_another_one(suite):
    base = suite.llama("base")
    for name in ("one", "two"):
        zoo.write_adapter(suite.folder / name, base, zoo.lora())
    with pytest.raises(CheckpointError, match="is an adapter itself"):
        suite.obtain(load="one", adapter="two")


def test_a_config_of_the_base_beside_an_adapter_does_no_harm(suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    shutil.copy(base / "config.json", suite.folder / "lora")
    assert close(suite.likelihood(load="base", adapter="lora"), expected(base, suite.folder / "lora"))
    assert close(suite.likelihood(load="lora"), expected(base, suite.folder / "lora"))


def test_a_whole_model_and_an_adapter_in_one_folder_are_not_taken_for_the_model_alone(suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    wanted = expected(base, suite.folder / "lora")
    shutil.copytree(base, suite.folder / "both")
    shutil.copytree(suite.folder / "lora", suite.folder / "both", dirs_exist_ok=True)
    with pytest.raises(CheckpointError, match="a whole model and an adapter"):
        suite.obtain(load="both")
    assert close(suite.likelihood(load="base", adapter="both"), wanted)


def test_an_adapter_one_folder_below_is_named(suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "named/mine", base, zoo.lora())
    with pytest.raises(CheckpointError, match="an adapter is in mine below it"):
        suite.obtain(load="base", adapter="named")


@pytest.mark.parametrize("kind", ["llama", "phi"])
@pytest.mark.parametrize("own", [False, True], ids=["as the base's", "other"])
def test_saved_embeddings_are_the_adapter_s_own(kind, own, suite):
    config = {"tie_word_embeddings": False}
    if kind == "llama":
        base = suite.llama("base", **config)
    else:
        base = tiny_phi(suite.folder / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    if own:
        for part in (model.get_input_embeddings(), model.get_output_embeddings()):
            part.requires_grad_(True)
            zoo.shake(part, 5)
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora(), model=model, save_embedding_layers=True)
    assert close(suite.likelihood(load="base", adapter="lora"), expected(base, suite.folder / "lora"))
    assert close(suite.likelihood(load="base"), expected(base, None))


def tiny_phi(folder):
    """A model whose output layer has a bias."""
    tokenizer = model_zoo.llama_tokenizer()
    config = transformers.PhiConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    zoo.shake(transformers.AutoModelForCausalLM.from_config(config), 1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("tied", [False, True], ids=["apart", "tied"])
@pytest.mark.parametrize("form", ["embeddings", "modules", "tokens"])
def test_added_tokens_come_with_the_adapter_s_tokenizer(form, tied, suite):
    made = zoo.added_tokens(suite.folder, form, tied=tied)
    model = suite.open(suite.obtain(load="base", adapter="adapter"))
    ((_, answer),) = model.answer([RollingLikelihood(zoo.TEXT)])
    assert close(answer.total, zoo.text_likelihood(made.reference(), made.adapter, zoo.TEXT))
    assert model.facts.chat
    assert close(suite.likelihood(load="base"), expected(made.base, None))


def test_added_tokens_whose_embeddings_were_not_saved_are_said(suite):
    base = suite.llama("base")
    zoo.more_tokens(suite.folder / "lora")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    with pytest.raises(CheckpointError, match="tokens were added for the adapter") as caught:
        suite.likelihood(load="base", adapter="lora")
    assert "resized" in str(caught.value)
    assert "trained on" not in str(caught.value)


def test_the_tokenizer_and_template_of_an_adapter_go_before_those_of_its_base(suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    tokenizer = model_zoo.llama_tokenizer()
    tokenizer.chat_template = "base: {{ messages[-1]['content'] }}"
    tokenizer.save_pretrained(base)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(suite.folder / "lora")
    models = [suite.open(suite.obtain(load="base", **more)) for more in ({}, {"adapter": "lora"})]
    templates = [model.backend.network.encoder.tokenizer.chat_template for model in models]
    assert templates == ["base: {{ messages[-1]['content'] }}", TEMPLATE]
    assert len({model.facts.chat_template for model in models}) == 2


def test_an_adapter_of_the_bare_model_acts_below_the_head(suite):
    base = suite.llama("base")
    bare = transformers.AutoModel.from_pretrained(base)
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora(), task="FEATURE_EXTRACTION", model=bare)
    whole = transformers.AutoModelForCausalLM.from_pretrained(base)
    PeftModel.from_pretrained(whole.model, suite.folder / "lora")
    wanted = zoo.text_likelihood(whole.eval(), base, zoo.TEXT)
    assert close(suite.likelihood(load="base", adapter="lora"), wanted)


def test_a_head_with_a_bias_that_the_architecture_lacks(suite):
    base = suite.llama("base")

    def headed():
        torch.manual_seed(1)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
        model.config.pad_token_id = 0
        model.score = torch.nn.Linear(model.config.hidden_size, 3, bias=True)
        return model

    zoo.write_adapter(suite.folder / "lora", base, zoo.lora(), task="SEQ_CLS", model=headed())
    adapted = PeftModel.from_pretrained(headed(), suite.folder / "lora").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    opened = suite.open(suite.obtain(load="base", adapter="lora", labels=list(LABELS)))
    for request, answer in opened.answer(Classify(text, LABELS) for text in TEXTS):
        with torch.no_grad():
            logits = adapted(input_ids=torch.tensor([tokenizer(request.text)["input_ids"]])).logits[0]
        assert all(map(close, answer.values, torch.log_softmax(logits.double(), -1).tolist()))


LABELS = ("bad", "fair", "good")


@pytest.mark.parametrize("kind", ["lora", "prompt tuning"])
def test_labels_of_the_entry_name_the_rows_of_an_adapter_s_head(kind, suite):
    base = suite.llama("base")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    model.config.pad_token_id = 0
    config = zoo.EVERY[kind]()
    zoo.write_adapter(suite.folder / "lora", base, config, task="SEQ_CLS", model=model)
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    plain.config.pad_token_id = 0
    adapted = PeftModel.from_pretrained(plain, suite.folder / "lora").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    opened = suite.open(suite.obtain(load="base", adapter="lora", labels=list(LABELS)))
    assert opened.facts.labels == LABELS
    beside = json.loads((base / "config.json").read_text()) | {"id2label": dict(enumerate(LABELS))}
    (suite.folder / "lora/config.json").write_text(json.dumps(beside))
    assert suite.open(suite.obtain(load="base", adapter="lora")).facts.labels == LABELS
    for request, answer in opened.answer(Classify(text, LABELS) for text in TEXTS):
        ids = torch.tensor([tokenizer(request.text)["input_ids"]])
        with torch.no_grad():
            values = torch.log_softmax(adapted(input_ids=ids).logits[0].double(), -1).tolist()
        assert all(map(close, answer.values, values))


@pytest.mark.parametrize("change", [{"peft_type": "POLY"}, {"peft_type": "NONE"}, {"r": 64}, {"target_modules": ["x"]}])
def test_an_adapter_that_does_not_load_is_called_by_the_folder_that_was_given(change, suite):
    zoo.write_adapter(suite.folder / "lora", suite.llama("base"), zoo.lora())
    config = suite.folder / "lora" / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(CheckpointError) as raised:
        suite.open(suite.obtain(load="base", adapter="lora"))
    assert str(raised.value).startswith(str(suite.folder / "lora"))
    assert str(suite.folder / "store") not in str(raised.value)


def test_an_adapter_that_changes_nothing_is_said(suite):
    base = suite.llama("base")
    get_peft_model(
        transformers.AutoModelForCausalLM.from_pretrained(base), LoraConfig(target_modules=zoo.TARGETS)
    ).save_pretrained(suite.folder / "lora")
    model = suite.open(suite.obtain(load="base", adapter="lora"))
    assert any("changes no logit" in note for note in model.facts.notes)
    assert next(text for text in suite.reporter.warnings if "changes no logit" in text).startswith(
        f"{suite.folder / 'lora'}: "
    )
    zoo.write_adapter(suite.folder / "acting", base, zoo.lora())
    assert not suite.open(suite.obtain(load="base", adapter="acting")).facts.notes


@pytest.mark.parametrize(
    ("change", "other"),
    [({"num_hidden_layers": 1}, True), ({"hidden_size": 48}, True), ({}, False)],
    ids=["fewer layers", "another width", "a damaged setting"],
)
def test_the_hint_to_give_the_base_appears_only_for_another_base(change, other, suite):
    base = suite.llama("base")
    zoo.write_adapter(suite.folder / "lora", base, zoo.lora())
    if change:
        model_zoo.language_model("llama", suite.folder / "base", length=64)
        config = transformers.AutoConfig.from_pretrained(base)
        for name, value in change.items():
            setattr(config, name, value)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(base)
    else:
        zoo.change_config(suite.folder / "lora", r=8)
    with pytest.raises(CheckpointError) as caught:
        suite.likelihood(load="base", adapter="lora")
    assert ("give the base that the adapter was trained on" in str(caught.value)) == other


def test_old_wrong_answers_are_asked_again():
    """0.1.0 kept answers of adapters, siblings and bases that were mixed up, under version 3."""
    from harness.models.device_policy import SCORING_VERSION

    assert SCORING_VERSION > 3
