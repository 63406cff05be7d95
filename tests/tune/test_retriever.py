"""Training the embedder: what learns, what stays, and that the folder is the encoder that was trained."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragraft.errors import ModelError
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.tune.retriever import Recipe, Step, TunedWeights, save_embedder, tune_embedder
from ragraft.tune.retriever_pairs import Pair
from tiny_bert import WORDS, write_bert

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs the tune extra"
)

RECIPE = Recipe(layers=1, questions=4, negatives=1, rate=5e-3, epochs=6, patience=6)
NAMES = [word for word in WORDS if word.isalpha()][:12]
TEXTS = {number: f"{name} orders ship in three days" for number, name in enumerate(NAMES)}
PAIRS = tuple(
    Pair(
        f"how long do {name} refunds take ?", f"{name}.md", (number,), ((number + 1) % 12, (number + 5) % 12)
    )
    for number, name in enumerate(NAMES)
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("bert") / "tiny")


def trained(base: Path, recipe: Recipe = RECIPE, **more: Any) -> TunedWeights:
    # All equally near, so that no negative is left out as too near.
    vectors = np.zeros((len(TEXTS), 32), np.float32)
    given: dict[str, Any] = {
        "train": PAIRS[:8], "choose": PAIRS[8:], "texts": TEXTS, "recipe": recipe, "threads": 1,
        "vectors": dict(zip(TEXTS, vectors, strict=True)),
    }  # fmt: skip
    return tune_embedder(base, **given | more)


@pytest.fixture(scope="module")
def weights(base: Path) -> TunedWeights:
    """What training gave, taken whole: the choice between blends is another test's matter."""
    return trained(base, replace(RECIPE, blends=(1.0,)), choose=PAIRS[:8])


def test_the_loss_falls(base: Path) -> None:
    steps: list[Step] = []
    trained(base, replace(RECIPE, layers=2, epochs=20, patience=20), on_step=steps.append)
    losses = [step.loss for step in steps]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_only_the_upper_layers_learn(weights: TunedWeights) -> None:
    assert {name.split(".")[2] for name in weights.arrays} == {"1"}
    assert all(name.startswith("encoder.layer.1.") for name in weights.arrays)


def test_the_saved_folder_finds_what_training_says(base: Path, weights: TunedWeights, tmp_path: Path) -> None:
    """OpenVINO on the saved weights ranks held-out questions as torch did with them."""
    from ragraft.tune.retriever_pairs import dense_ndcg

    save_embedder(tmp_path / "tuned", weights, base=base, card={})
    embedder = OpenVinoEmbedder(tmp_path / "tuned", threads=1)
    asked = embedder.embed([pair.question for pair in PAIRS[:8]])
    numbers = sorted({number for pair in PAIRS[:8] for number in (*pair.positives, *pair.negatives)})
    passages = embedder.embed([TEXTS[number] for number in numbers])
    assert weights.blend == 1.0
    assert dense_ndcg(PAIRS[:8], asked, passages, numbers=numbers) == pytest.approx(
        weights.blends[1.0], abs=0.02
    )


def test_a_tuned_folder_has_a_name_of_its_own(base: Path, weights: TunedWeights, tmp_path: Path) -> None:
    save_embedder(tmp_path / "tuned", weights, base=base, card={})
    names = {OpenVinoEmbedder(folder, name="x", threads=1).name for folder in (base, tmp_path / "tuned")}
    assert len(names) == 2


def test_the_untuned_student_embeds_as_the_embedder_does(base: Path) -> None:
    from ragraft.tune.retriever_student import EmbedderStudent

    texts = [*TEXTS.values(), "a dog ran home", "three " * 100]
    student = EmbedderStudent(base, layers=1, seed=0, threads=1).vectors(texts)
    np.testing.assert_allclose(student, OpenVinoEmbedder(base, threads=1).embed(texts), atol=0.02)


def test_the_same_seed_gives_the_same_weights(base: Path) -> None:
    short = replace(RECIPE, epochs=2)
    one, other = trained(base, short), trained(base, short)
    assert one.looks == other.looks
    assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


def test_where_training_brings_nothing_the_base_is_chosen(base: Path) -> None:
    """A rate of zero learns nothing, and a tie goes to the base."""
    result = trained(base, replace(RECIPE, rate=0.0, epochs=2))
    assert (result.blend, dict(result.arrays)) == (0.0, {})


def test_training_ends_when_its_time_is_over(base: Path) -> None:
    assert trained(base, replace(RECIPE, epochs=1000), seconds=0.0).steps == 1


def test_the_plan_is_cut_to_the_time_after_a_few_steps(base: Path) -> None:
    told: list[Step] = []
    trained(base, replace(RECIPE, epochs=10_000, blends=()), seconds=1.0, on_step=told.append)
    assert told[0].steps == 20_000
    assert told[-1].steps < 20_000


def test_a_loss_that_is_no_number_ends_with_an_error(base: Path) -> None:
    with pytest.raises(ModelError, match="no longer a number"):
        trained(base, replace(RECIPE, temperature=0.0))


def test_a_batch_has_no_negative_that_answers_or_scores_too_near(base: Path) -> None:
    import torch

    from ragraft.tune.retriever import _Course
    from ragraft.tune.retriever_student import EmbedderStudent

    vectors = {number: np.eye(12, dtype=np.float32)[number] for number in range(12)}
    pairs = (Pair("how ?", "a.md", (0, 1), (2, 3)),)
    course = _Course(EmbedderStudent(base, layers=1, seed=0, threads=1), pairs, TEXTS, vectors, RECIPE)
    course._asked = np.array([[1.0, 0, 0.96, 0.94, *[0] * 8]], np.float32)
    left_out = course._left_out([0], [0, 1, 2, 3], torch.tensor([0]))
    assert left_out.tolist() == [[False, True, True, False]]
