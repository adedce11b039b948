"""NumPy values are accepted wherever Python's are; NaN, infinity, other types and empty paths are refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index_builder import BuildOptions, build_index, page_panels, remove_source, repair_index, source_content
from retrieval import Filter, Hit, PanelIndex, Query, verify_index
from retrieval.books import ReadLimits
from retrieval.errors import UsageError
from retrieval.evaluation import Settings
from retrieval.training.recipe import Recipe
from retrieval.values import is_number, number, path_argument, plain, switch, whole_number
from tests.conftest import GridEncoder
from tests.searching.synthetic import clustered, library, write_index

INTEGERS = [np.int64(2), np.int8(2), np.uint16(2), np.array(2), np.array(2, np.uint8), torch.tensor(2)]
NOT_COUNTS = [True, np.True_, np.array(True), 2.0, np.float32(2), "2", np.array([2]), [2], b"2", np.int64(-1), 2**60]
NOT_NUMBERS = [math.nan, math.inf, -math.inf, np.nan, np.float32("inf"), np.array(np.nan), True, "0.5", 1j, [0.5]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = library(60, 3)
    return write_index(tmp_path_factory.mktemp("values") / "i", rows, clustered(len(rows), 1))


@pytest.fixture(scope="module")
def index(folder: Path) -> Iterator[PanelIndex]:
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def ids(hits: list[Hit]) -> list[int]:
    return [hit.panel.id for hit in hits]


@pytest.mark.parametrize("two", INTEGERS, ids=repr)
def test_integers_of_numpy_in_a_search(index: PanelIndex, two: Any) -> None:
    """Every field that is a whole number takes NumPy's integers, and answers as for Python's."""
    assert ids(index.search(panel=two, k=two)) == ids(index.search(panel=2, k=2))
    assert len(index.search(panel=two, k=two)) == 2
    assert ids(index.search(text="rain", k=9, offset=two)) == ids(index.search(text="rain", k=9, offset=2))
    for field in ("per_page", "per_book", "nprobe"):
        limits: dict[str, Any] = {field: two}
        expected: dict[str, Any] = {field: 2}
        assert ids(index.search(text="rain", k=9, **limits)) == ids(index.search(text="rain", k=9, **expected))
    assert type(Query(text="a", k=two).k) is int


@pytest.mark.parametrize("two", INTEGERS, ids=repr)
def test_integers_of_numpy_in_other_methods(index: PanelIndex, two: Any) -> None:
    """Panels, pages and books are found by NumPy's integers; lists are as long as they say."""
    assert index.panel(two) == index.panel(2)
    assert index.page_panels(two) == index.page_panels(2) != []
    assert index.browse(k=two, offset=two) == index.browse(k=2, offset=2)
    assert index.facets(limit=two) == index.facets(limit=2)
    assert index.metadata(two) == index.metadata(2)
    assert index.thumbnails(index.browse(k=two)) == {}


@pytest.mark.parametrize(
    ("given", "python"),
    [
        ({"page": np.int64(1)}, {"page": 1}),
        ({"page": (np.int32(1), None)}, {"page": (1, None)}),
        ({"page": np.array([1, 2])}, {"page": (1, 2)}),
        ({"page": [np.array(1), torch.tensor(2)]}, {"page": (1, 2)}),
        ({"book_id": np.uint8(3)}, {"book_id": 3}),
        ({"has_dialogue": np.True_}, {"has_dialogue": True}),
        ({"annotated": np.array(True)}, {"annotated": True}),
        ({"aspect": (np.float32(0.5), np.float64(1.5))}, {"aspect": (0.5, 1.5)}),
        ({"size": (np.float16(0), np.longdouble(0.5))}, {"size": (0, 0.5)}),
        ({"year": np.int64(1999)}, {"year": 1999}),
        ({"number": [np.int64(1), np.int64(9)]}, {"number": (1, 9)}),
        ({"book": np.str_("Book 1")}, {"book": "Book 1"}),
        ({"label": np.array(["story", "cover"])}, {"label": ["story", "cover"]}),
    ],
    ids=str,
)
def test_filters_of_numpy_values(index: PanelIndex, given: dict[str, Any], python: dict[str, Any]) -> None:
    """Filters from NumPy are those from Python, as a mapping and as a `Filter`."""
    assert Filter.of(given) == Filter.of(python)
    assert Filter.of(Filter(**given)) == Filter.of(python)
    assert index.count(given) == index.count(Filter(**given)) == index.count(python)
    assert ids(index.search(text="rain", where=given)) == ids(index.search(text="rain", where=python))


@pytest.mark.parametrize("value", NOT_COUNTS, ids=repr)
def test_no_count(index: PanelIndex, value: Any) -> None:
    """A bool, a float, a text, an array, and a number out of range are no count: a sentence says so."""
    for field in ("k", "offset", "panel", "per_page", "per_book", "nprobe"):
        fields: dict[str, Any] = ({} if field == "panel" else {"text": "a"}) | {field: value}
        with pytest.raises(UsageError, match=f"{field} must be a whole number"):
            index.search(**fields)
    for call in (index.panel, index.page_panels, index.page_image, index.metadata):
        with pytest.raises(UsageError, match="must be a whole number"):
            call(value)
    for options in ({"batch_size": value}, {"workers": value}, {"dpi": value}, {"max_pixels": value}):
        with pytest.raises(UsageError, match="must be a whole number"):
            BuildOptions(**options)
    with pytest.raises(UsageError, match="sample must be a whole number"):
        Settings(sample=value)
    with pytest.raises(UsageError, match="dpi must be a whole number"):
        ReadLimits(dpi=value)


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_no_number(index: PanelIndex, value: Any) -> None:
    """NaN, infinity, a bool and other types are no number."""
    with pytest.raises(UsageError, match="min_score must be a finite number"):
        index.search(text="a", min_score=value)
    with pytest.raises(UsageError, match="filter page"):
        index.count({"page": (value, 3)})
    with pytest.raises(UsageError, match="learning_rate of the recipe"):
        Recipe("x", learning_rate=value)


@pytest.mark.parametrize("score", [np.float32(0.25), np.float64(0.25), np.array(0.25), np.int64(0), 0])
def test_scores_of_numpy(index: PanelIndex, score: Any) -> None:
    """The lowest score may be of any NumPy type."""
    assert ids(index.search(text="rain", min_score=score)) == ids(index.search(text="rain", min_score=float(score)))


def test_switches(index: PanelIndex) -> None:
    """Switches take NumPy's bool and no other type: the text "no" is not False."""
    assert len(index.search(panel=1, include_self=np.False_, exact=np.True_, k=3)) == 3  # type: ignore[arg-type]
    for value in ("no", 1, None, np.int64(0)):
        with pytest.raises(UsageError, match="exact must be True or False"):
            index.search(text="a", exact=value)  # type: ignore[arg-type]
    assert [BuildOptions(ocr=value).ocr for value in (np.False_, np.True_, False, True, "later")] == [  # type: ignore[arg-type]
        "no",
        "auto",
        "no",
        "auto",
        "later",
    ]
    with pytest.raises(UsageError, match="page_is_panel must be True or False"):
        BuildOptions(page_is_panel="yes")  # type: ignore[arg-type]


def test_build_options_of_numpy() -> None:
    """Options are stored as Python values, which JSON has."""
    options = BuildOptions(batch_size=np.int64(8), workers=np.array(0), dpi=np.uint8(99))  # type: ignore[arg-type]
    assert {type(value) for value in (options.batch_size, options.workers, options.dpi)} == {int}
    assert ReadLimits(dpi=np.int64(99)).dpi == 99  # type: ignore[arg-type]
    assert type(Settings(sample=np.int64(3)).sample) is int  # type: ignore[arg-type]


@pytest.mark.parametrize("empty", ["", " ", "\t\n", "\u3000", "a\0b"], ids=repr)
def test_empty_paths(tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path is refused with a sentence, wherever a path is given; nothing is written."""
    monkeypatch.chdir(tmp_path)
    comics = tmp_path / "comics"
    comics.mkdir()
    calls = [
        lambda: build_index([comics], empty),
        lambda: build_index(empty, "i"),
        lambda: build_index([empty], "i"),
        lambda: build_index([comics], "i", annotations=empty),
        lambda: PanelIndex.open(empty),
        lambda: verify_index(empty),
        lambda: repair_index(empty),
        lambda: remove_source(comics, empty),
        lambda: source_content(comics, empty),
        lambda: page_panels(empty),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"is empty|null character"):
            call()
    assert list(tmp_path.iterdir()) == [comics]


@pytest.mark.parametrize("value", [None, 3, b"x", ["x"], np.array(["x"])], ids=repr)
def test_no_path(value: Any) -> None:
    """Something other than a path is refused with a sentence."""
    with pytest.raises(UsageError, match="must be a path"):
        PanelIndex.open(value)


def test_plain_values() -> None:
    """NumPy values become Python's, also in lists; everything else is the same object."""
    assert plain([np.int64(1), (np.float32(0.5), None)]) == [1, (0.5, None)]
    assert type(plain(np.longdouble(2))) is float
    unchanged = (1, [2.0, None], "x")
    assert plain(unchanged) is unchanged
    thing = object()
    assert plain(thing) is thing
    assert plain({"a": 1}) == {"a": 1}
    assert is_number(0.5)
    assert not any(is_number(value) for value in (True, math.nan, math.inf, "1", None, 2**54))
    assert whole_number("n", None, 1, optional=True) is None
    assert switch("s", None, optional=True) is None
    assert number("x", np.float64(1.5)) == 1.5
    assert path_argument("p", "~") == Path.home()
