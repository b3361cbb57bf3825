from harness_support.training_samples import finetune_spec

from harness.model_kinds.finetune_kind import FinetuneSpec, settings_for


def test_what_the_suite_says_is_kept() -> None:
    chosen = settings_for(finetune_spec(word_dropout=0.25, mlm_loss_weight=0.0, epochs=7), 10_000)
    assert (chosen.epochs, chosen.batch_size, chosen.word_dropout, chosen.learning_rate) == (7, 8, 0.25, 3e-3)


def test_few_labels_get_more_passes_in_smaller_batches() -> None:
    spec = FinetuneSpec.model_validate({"from": "base", "task": "mood"})
    few, many = settings_for(spec, 1000), settings_for(spec, 15_000)
    assert few.epochs > many.epochs
    assert few.batch_size < many.batch_size


def test_an_adapter_learns_faster_than_all_weights() -> None:
    full, lora = (
        settings_for(FinetuneSpec.model_validate({"from": "base", "task": "mood", "method": method}), 15_000)
        for method in ("full", {"lora": {"rank": 8}})
    )
    assert lora.learning_rate > full.learning_rate
