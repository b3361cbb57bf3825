"""How a folder of sentence-transformers makes one vector of a text, told from its small files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.core.digests import file_digest
from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.formats.sentence_router import Module, read_router, route_below
from harness.storage import plain_files

MODULES = "modules.json"
_CONFIG = "config.json"
_SETTINGS = "config_sentence_transformers.json"
_ENCODER = "sentence_bert_config.json"
_POOLINGS = {
    "mean": "mean",
    "cls": "first",
    "max": "max",
    "mean_sqrt_len_tokens": "mean_sqrt",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}
"""What sentence-transformers calls a pooling → what harness calls it."""
_FLAG = "pooling_mode_"
_FLAGS = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
_HARMLESS = frozenset({"Transformer", "Pooling", "Normalize", "Dropout"})
"""What a cosine does not notice, or what harness does itself."""
_STEPS = {"Dense": "dense", "Normalize": "normalize"}
"""Modules behind the pooling → what harness calls them."""
DENSE_WEIGHTS = "model.safetensors"
ACTIVATIONS = frozenset({"Identity", "Tanh", "ReLU", "GELU", "Sigmoid"})
_ROUTER = frozenset({"Router", "Asym"})
_DENSE_FILES = (_CONFIG, DENSE_WEIGHTS)


@dataclass(frozen=True, slots=True)
class SentencePooling:
    """The pooling of a sentence encoder.

    Attributes:
        pooling: its own, where harness has it (`requests.Embed`); None otherwise.
        notes: what is other than in sentence-transformers.
        steps: what is done to the pooled vector, up to its last dense layer: (`dense` or `normalize`, folder).
        prompts: name → text that is put before texts.
        similarity: how two vectors are compared.
        default_prompt: its name; None where there is none.
        max_length: tokens that are read of a text, where the folder says so.
    """

    pooling: str | None
    notes: tuple[str, ...] = ()
    steps: tuple[tuple[str, Path], ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    similarity: Literal["cosine", "dot"] = "cosine"
    max_length: int | None = None

    @property
    def chain(self) -> str | None:
        """The pooling and the steps behind it, as `requests.Embed` names them."""
        return None if self.pooling is None else ">".join([self.pooling, *(name for name, _ in self.steps)])

    def content(self) -> dict[str, object]:
        """JSON: all of it that decides vectors; part of the checkpoint's digest."""
        dense = [file_digest(place / name) for step, place in self.steps if step == "dense" for name in _DENSE_FILES]
        later = {"dense": dense, "steps": [name for name, _ in self.steps], "prompts": dict(self.prompts)}
        return {
            "pooling": self.pooling,
            "notes": self.notes,
            **{name: value for name, value in later.items() if value},
            **({"max_length": self.max_length} if self.max_length is not None else {}),
            **({"similarity": self.similarity} if self.similarity != "cosine" else {}),
        }


def sentence_pooling(folder: Path) -> SentencePooling | None:
    """The pooling that a folder names; None where it is none of sentence-transformers.

    Raises:
        CheckpointError: when its list of modules, or the router that it is a part of, is damaged.
    """
    notes: list[str] = []
    modules = _modules(folder, notes)
    if modules is None:
        return None
    settings = _settings(folder / _SETTINGS)
    by_dot = settings.get("similarity_fn_name") in ("dot", "dot_score")
    steps = _steps(modules, whole=by_dot)
    used = {place for _, place in steps}
    unused = (module for module in modules if module.kind not in _HARMLESS and module.folder not in used)
    for kind in dict.fromkeys(module.kind for module in unused):
        notes.append(
            f"its module {kind} (sentence-transformers) is not used: vectors are those of the encoder and its pooling"
        )
    place = next((module.folder for module in modules if module.kind == "Pooling"), None)
    named = ["mean"] if place is None else _modes(place)
    poolings = [_POOLINGS.get(mode) for mode in named]
    own = "+".join(pooling for pooling in poolings if pooling is not None) if all(poolings) else None
    if own is None:
        notes.append(
            f"its own pooling is {'+'.join(named)!r}, which harness does not have: vectors are the mean over all tokens"
        )
    notes.extend(_other_inputs(folder))
    if place is not None and read_json(place / _CONFIG).get("include_prompt") is False:
        notes.append("its pooling leaves out the tokens of prompts (sentence-transformers), which is not done here")
    given = settings.get("prompts")
    prompts = {
        str(name): text
        for name, text in (given.items() if isinstance(given, dict) else ())
        if isinstance(text, str) and text
    }
    default = settings.get("default_prompt_name")
    length = _settings(folder / _ENCODER).get("max_seq_length")
    return SentencePooling(
        own,
        tuple(notes),
        steps if own is not None else (),
        prompts,
        default if default in prompts else None,
        "dot" if by_dot else "cosine",
        length if isinstance(length, int) and not isinstance(length, bool) and length > 0 else None,
    )


def _steps(modules: Sequence[Module], *, whole: bool) -> tuple[tuple[str, Path], ...]:
    """What follows the pooling; nothing where harness does not have all of it.

    Args:
        whole: all of it, where the length of a vector counts; else what stands before the last dense layer, and that.
    """
    kinds = [module.kind for module in modules]
    behind = modules[kinds.index("Pooling") + 1 :] if "Pooling" in kinds else []
    last = max((number for number, module in enumerate(behind, 1) if module.kind == "Dense"), default=0)
    chain = [module for module in (behind if whole else behind[:last]) if module.kind != "Dropout"]
    if not all(module.kind in _STEPS for module in chain):
        return ()
    if not all(_is_dense(module.folder) for module in chain if module.kind == "Dense"):
        return ()
    return tuple((_STEPS[module.kind], module.folder) for module in chain)


def _is_dense(folder: Path) -> bool:
    """Whether a dense layer is one that harness computes: of the sentence's vector, in safetensors."""
    if not all((folder / name).is_file() for name in _DENSE_FILES):
        return False
    settings = read_json(folder / _CONFIG)
    activation = str(settings.get("activation_function", "Tanh")).rpartition(".")[2]
    inputs = {settings.get(key, "sentence_embedding") for key in ("module_input_name", "module_output_name")}
    return activation in ACTIVATIONS and inputs <= {"sentence_embedding", None}


def _modules(folder: Path, notes: list[str]) -> list[Module] | None:
    """The modules that a text goes through, those of a router's route in its place."""
    listed = _listed(folder)
    if listed is None:
        routed = route_below(folder)
        if routed is None:
            return None
        route, chain = routed
        notes.append(f"the encoder of the route {route!r} of a router of sentence-transformers")
        above = _listed(folder.parent) or []
        return [*chain, *(module for module in above if module.kind not in _ROUTER)]
    modules: list[Module] = []
    for module in listed:
        router = read_router(module.folder) if module.kind in _ROUTER else None
        if router is not None and router.default is not None:
            notes.append(f"texts take the route {router.default!r} of its router (sentence-transformers)")
        modules.extend(router.chain if router is not None and router.chain else (module,))
    return modules


def _listed(folder: Path) -> list[Module] | None:
    """The modules that modules.json lists; None without that file."""
    path = folder / MODULES
    if not path.is_file():
        return None
    try:
        modules = plain_files.read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the file cannot be read: {error}.", where=Where(path)) from error
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise CheckpointError("expected a list of modules.", where=Where(path), hint="copy the folder again.")
    made = []
    for module in modules:
        place = str(module.get("path", ""))
        if Path(place).name != place:
            raise CheckpointError(
                f"expected the name of a folder as a module's path, found {place!r}.", where=Where(path)
            )
        made.append(Module(str(module.get("type", "")).rpartition(".")[2], folder / place))
    return made


def _modes(place: Path) -> list[str]:
    """The names of the poolings whose vectors are joined: of the newer form, or by the flags of the older one."""
    settings = read_json(place / _CONFIG)
    named = settings.get("pooling_mode")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list) and named:
        return [str(mode) for mode in named]
    flags = sorted(
        name.removeprefix(_FLAG) for name, value in settings.items() if name.startswith(_FLAG) and value is True
    )
    return [_FLAGS.get(flag, flag) for flag in flags] or ["mean"]


def _other_inputs(folder: Path) -> list[str]:
    """What sentence-transformers would do to a text before the tokenizer sees it, and harness does not."""
    notes = []
    settings = _settings(folder / _SETTINGS)
    prompts, name = settings.get("prompts"), settings.get("default_prompt_name")
    prompt = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    if isinstance(prompt, str) and prompt:
        notes.append(f"its default prompt {prompt[:40]!r} (sentence-transformers) is put before texts of tasks alone")
    if _settings(folder / _ENCODER).get("do_lower_case") is True:
        notes.append("sentence-transformers lowers its texts (`do_lower_case`), which is not done here")
    return notes


def _settings(path: Path) -> Mapping[str, object]:
    return read_json(path) if path.is_file() else {}
