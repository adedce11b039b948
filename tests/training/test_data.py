"""Which pages are trained on: labels, the split by book, and what a batch of them holds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from retrieval.books.labels import Labels, read_labels
from retrieval.encoder import inputs
from retrieval.encoder.inputs import panel_input
from retrieval.errors import UsageError
from retrieval.training.augmentations.crop import augmented_crop
from retrieval.training.data.page_batches import PageReader
from retrieval.training.data.split import validation_books
from retrieval.training.recipe import RECIPES
from tests.training.trainer import opened

V1 = RECIPES["comic-panel-encoder-v1"]
SMALL = RECIPES["small-pages"]

PAGES = ["home/comics/Night/0001", "home/comics/Night/0002", "home/comics/Day/0001"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"Night/0001": "story", "Night/0002": "Cover ", "Day/0001": "x"}, ["story", "cover", "x"]),
        ({"amazon/set/Night/0001": "story"}, ["story", None, None]),  # longer on the other side
        ({"a/Night/0001": "story", "b/Night/0001": "story"}, [None, None, None]),  # which of the two
        ({"Night/0001": "story", "b/Night/0001": "cover"}, ["story", None, None]),  # the whole label counts first
        ({"Dusk/0001": "story", "Dusk/0002": "story"}, [None, None, None]),  # only the file name agrees
        ({"0002": "story", "0001": "story"}, [None, None, None]),  # a bare number is in every book
        ({"home/comics/Night/0001": "story", "Night/0001": "cover"}, ["story", None, None]),
    ],
)
def test_labels_are_matched_from_the_end(labels: dict[str, str], expected: list[str | None]) -> None:
    """By the full path, else by the longest ending; never by a guess."""
    assert Labels(labels).match(PAGES).classes == expected


def test_ambiguous_labels_are_counted() -> None:
    """Pages that no label fits are not among them."""
    assert Labels({"a/Night/0001": "story", "b/Night/0001": "story"}).match(PAGES).ambiguous == 1
    assert Labels({"0001": "story"}).match(PAGES).ambiguous == 2
    assert Labels({"Dusk/0003": "story"}).match(PAGES).ambiguous == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"Night": {"0001": 2}}', '{"a": 1}', '[{"covers": []}]'])
def test_labels_of_another_form_are_refused(tmp_path: Path, content: str) -> None:
    """With the file's name and the form that is expected."""
    path = tmp_path / "labels.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="label") as refused:
        read_labels(path)
    assert refused.value.path == str(path)
    assert str(refused.value.hint).startswith('give one JSON object {"book/page": "class", ...}')


def test_the_split_keeps_books_whole() -> None:
    """At most the share of the pages, the same for the same seed, other books for another."""
    books = [f"book {n}" for n in range(40) for _ in range(1 + n % 5)]
    chosen = validation_books(books, 0.2, 7)
    share = sum(book in chosen for book in books) / len(books)
    assert 0.1 < share <= 0.2
    assert chosen == validation_books(books[::-1], 0.2, 7)
    assert chosen != validation_books(books, 0.2, 8)
    assert validation_books(books, 0.0, 7) == frozenset()


def test_the_smallest_book_validates_where_none_fits() -> None:
    """A share too small for any book still takes one; a single book cannot be split."""
    assert validation_books(["a"] * 9 + ["b"] * 3, 0.05, 1) == {"b"}
    with pytest.raises(UsageError, match=r"1 books") as refused:
        validation_books(["a"] * 9, 0.05, 1)
    assert refused.value.hint is not None
    assert "--validation-fraction 0" in refused.value.hint


def test_pages_of_two_indexes(tiny_index: Path, tmp_path: Path) -> None:
    """The same book in two indexes is on one side; one index twice is refused; a limit holds for both sides."""
    copy = tmp_path / "copy.index"
    shutil.copytree(tiny_index, copy)
    with opened([tiny_index, copy]) as library:
        split = library.split(V1)
        assert {(p.index, p.book) for p in split.validation} == {
            (0, "The Last Bus to Owl Hill"),
            (1, "The Last Bus to Owl Hill"),
        }
        assert {p.book for p in split.training} == {"The Dark Lamp"}
        assert len(split.training) == 6
        assert split.counts["training_panels"] == sum(page.panels for page in split.training)
        few = library.split(V1, limit=2)
        assert (len(few.training), len(few.validation)) == (2, 1)
        assert few.digest != split.digest
    with pytest.raises(UsageError, match="given twice"):
        opened([tiny_index, tiny_index / ".." / tiny_index.name]).__enter__()


def test_only_stories_are_trained_on(tiny_index: Path, tmp_path: Path) -> None:
    """Pages of other classes and pages without a label are left out and counted."""
    labels = tmp_path / "labels.json"
    names = {
        "The Dark Lamp/lamp-02": "story",
        "The Dark Lamp/lamp-03": "cover",
        "x/The Last Bus to Owl Hill/bus-02": "narrative",
    }
    labels.write_text(json.dumps(names))
    with opened([tiny_index]) as library:
        split = library.split(V1, labels)
        assert sorted(Path(p.path).name for p in (*split.training, *split.validation)) == ["bus-02", "lamp-02"]
        assert split.counts["pages_without_label"] == 1
        assert split.counts["pages_of_other_classes"] == 1
        labels.write_text('{"Other/page": "story"}')
        with pytest.raises(UsageError, match=r"4 of 4 pages have no label.*'Other/page'"):
            library.split(V1, labels)


def test_a_batch_holds_what_an_index_would(tiny_index: Path) -> None:
    """Row for row the encoder's inputs of the page's panels; the published padding is rows of zeros."""
    with opened([tiny_index]) as library:
        entry = library.split(V1).training[0]
        (packed,) = PageReader(library, replace(V1, padding=False)).batches([entry])
        (padded,) = PageReader(library, V1).batches([entry])
        index = library.indexes[0]
        page = index.page_image(entry.page_id)
        for row, panel in enumerate(index.page_panels(entry.page_id)):
            wanted = panel_input(page, panel.box, panel.dialogue, panel.number)
            assert torch.equal(packed.panels["images"][row], torch.from_numpy(inputs.normalize(wanted.image[None]))[0])
            ids = [
                i
                for i, m in zip(*(packed.panels[k][row].tolist() for k in ("input_ids", "attention_mask")), strict=True)
                if m
            ]
            assert ids == inputs.token_ids([panel.dialogue])[0]
            geometry = inputs.composition(panel.box, page.width, page.height)
            assert np.array_equal(packed.panels["comp_feats"][row].numpy(), geometry)
    count = entry.panels
    assert packed.mask.shape == padded.mask.shape == (1, 16)
    assert int(packed.mask.sum()) == len(packed.slots) == count
    assert len(padded.slots) == 16
    assert padded.real.tolist() == [True] * count + [False] * (16 - count)
    for name, tensor in padded.panels.items():
        assert torch.equal(tensor[:count], packed.panels[name]), name
        assert not tensor[count:].any(), name


def test_at_most_so_many_panels(tiny_index: Path) -> None:
    """The first panels of a page in order."""
    with opened([tiny_index]) as library:
        entries = library.split(V1).training
        (some,) = PageReader(library, replace(V1, panels_per_page=2)).batches(entries)
    assert some.mask.tolist() == [[True, True]] * len(entries)


def test_threads_and_a_late_start_change_nothing(tiny_index: Path) -> None:
    """The third batch of an epoch is the same however it is come to; another epoch shows other crops."""
    recipe = replace(SMALL, pages_per_batch=1)
    with opened([tiny_index]) as library:
        pages = library.split(recipe).training
        third = list(PageReader(library, recipe).batches(pages, epoch=1))[2]
        (late,) = PageReader(library, recipe, workers=2).batches(pages, first=2, epoch=1)
        same_page = [b for b in PageReader(library, recipe).batches(pages, epoch=2) if len(b.slots) == len(third.slots)]
    assert torch.equal(third.panels["images"], late.panels["images"])
    assert torch.equal(third.second_crops, late.second_crops)
    assert not torch.equal(third.panels["images"], third.second_crops)
    assert all(not torch.equal(third.panels["images"], batch.panels["images"]) for batch in same_page)


def test_a_page_that_cannot_be_read_is_named(tiny_comics: Path, tiny_index: Path) -> None:
    """It is left out of its batch; a batch of nothing else is None."""
    page = next((tiny_comics / "The Last Bus to Owl Hill").glob("bus-02.p*"))
    hidden = page.rename(page.with_suffix(".away"))
    try:
        with opened([tiny_index]) as library:
            split = library.split(V1)
            reader = PageReader(library, V1)
            assert list(reader.batches(split.validation)) == [None]
            (batch,) = reader.batches([*split.training, *split.validation])
    finally:
        hidden.rename(page)
    assert len(batch.mask) == len(split.training)
    assert [Path(path).name for path in reader.skipped] == ["bus-02"]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (900, 600)])
def test_augmented_crops_are_pictures_of_their_panel(size: tuple[int, int]) -> None:
    """RGB, no larger than the panel, the same for the same generator, of any size."""
    rng = np.random.default_rng(1)
    panel = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8))
    for seed in range(20):
        view, again = (augmented_crop(panel, np.random.default_rng(seed)) for _ in range(2))
        assert view.mode == "RGB"
        assert view.width <= panel.width
        assert view.height <= panel.height
        assert view.tobytes() == again.tobytes()
