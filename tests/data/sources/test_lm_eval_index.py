"""A name of lm-eval's tasks stands for the same by a few files as by lm-eval's index of all of them."""

import logging
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval")

from harness.core.errors import SuiteError
from harness.data.sources import lm_eval_index
from harness.data.sources.lm_eval_index import TaskPlace, find_place, folders_of, leaf_tasks, place_of
from harness.data.sources.lm_eval_words import FileWords


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise AssertionError("the index of everything is read")

    monkeypatch.setattr(lm_eval_index, "task_index", refuse)


@pytest.mark.usefixtures("no_index")
def test_names_are_found_without_the_index_of_everything() -> None:
    assert place_of("arc_easy") == TaskPlace("task", "arc/arc_easy.yaml", data="allenai/ai2_arc")
    tag, group = place_of("ai2_arc"), place_of("mmlu_stem")
    assert (tag.kind, tag.file, set(tag.members)) == ("tag", "", {"arc_easy", "arc_challenge"})
    assert group.kind == "group"
    assert "mmlu_anatomy" in leaf_tasks("mmlu_stem")
    assert folders_of("ai2_arc") == ("arc",)


@pytest.mark.slow
def test_every_name_is_found_as_the_index_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.tasks import _yaml_loader

    whole = lm_eval_index.task_index()
    read = _yaml_loader.load_yaml
    once = cache(partial(read, resolve_func=False))
    # Each file is parsed once for this test, not once for each name.
    monkeypatch.setattr(
        _yaml_loader, "load_yaml", lambda path, **more: read(path, **more) if len(more) > 1 else once(path)
    )
    logging.disable(logging.CRITICAL)
    try:
        assert len(whole) > 10_000
        assert [name for name in whole if find_place(name) != whole[name]] == []
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of task files in place of the installed ones."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    monkeypatch.setattr(lm_eval_index, "package_folder", lambda: tmp_path)
    for kept in (lm_eval_index._words, lm_eval_index.find_place):
        kept.cache_clear()
    yield tasks
    for kept in (lm_eval_index._words, lm_eval_index.find_place):
        kept.cache_clear()


@pytest.mark.usefixtures("no_index")
def test_included_files_and_the_order_of_files_count(package: Path) -> None:
    (package / "_base").write_text("tag:\n  - animals\n\ndataset_path: json\n")
    (package / "a.yaml").write_text("task: cats\ninclude: _base\n")
    (package / "b.yaml").write_text("include: ./a.yaml\n'task': \"dogs\"\n")
    (package / "c.yaml").write_text("task: cats\ndataset_path: csv\ntag: late\n")
    (package / "d.yaml").write_text('{"group": "pets", "task": ["cats", {"task": "dogs", "num_fewshot": 2}]}')
    (package / "e.yaml").write_text("task: birds\ntag: late\n")
    (package / "f.yaml").write_text("task: [broken\n")
    assert place_of("cats") == TaskPlace("task", "a.yaml", data="json")
    assert set(place_of("animals").members) == {"cats", "dogs"}
    assert place_of("late").members == ("birds",), "the second file that defines a name counts for nothing"
    pets = place_of("pets")
    assert (pets.members, pets.inline) == (("cats", "dogs"), True)


def test_words_of_files_that_are_no_task_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "utils.py").write_text("task: one\n")
    (tmp_path / "a.yaml").write_text("# task: two\ndescription: task\ntask: three\n")
    assert set(FileWords.read(tmp_path).files) == {b"three"}


@pytest.mark.slow
def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(SuiteError, match=r"no task, group or tag 'arc_eazy' among its .* Did you mean 'arc_easy'\?"):
        place_of("arc_eazy")
