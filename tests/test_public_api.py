"""The public names of `retrieval` and `index_builder`, and the parameters of the functions that programs call."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import index_builder
import retrieval
from retrieval import PanelIndex
from retrieval.search.query import QueryFields

NAMES = {
    retrieval: {
        "Box", "Facet", "Filter", "Hit", "Panel", "PanelIndex", "PanelseekError", "Query", "View", "load_encoder",
        "verify_index",
    },
    index_builder: {
        "BuildOptions", "BuildReport", "PagePanels", "RepairReport", "SourceContent", "WatchEvent", "build_index",
        "page_panels", "remove_source", "repair_index", "source_content", "watch_sources",
    },
}  # fmt: skip

FUNCTIONS: dict[Callable[..., Any], str] = {
    index_builder.build_index: "sources index * encoder device catalog progress load **options",
    index_builder.watch_sources: (
        "sources index * on_event debounce poll_interval stop encoder progress **options"
    ),
    index_builder.remove_source: "source index",
    index_builder.source_content: "source index",
    index_builder.repair_index: "index * encoder device progress",
    index_builder.page_panels: "page index * right_to_left",
    retrieval.verify_index: "path * sample part device encoder progress",
    retrieval.load_encoder: "name_or_path device cache_dir profile precision runtime calibration",
    PanelIndex.open: "path * encoder device",
    PanelIndex.search: "self **fields",
    PanelIndex.search_many: "self queries",
    PanelIndex.count: "self where",
    PanelIndex.browse: "self where k offset",
    PanelIndex.facets: "self where limit",
    PanelIndex.metadata: "self book_id",
    PanelIndex.books: "self",
    PanelIndex.panel: "self panel_id",
    PanelIndex.page_panels: "self page_id",
    PanelIndex.page_image: "self page_id",
    PanelIndex.panel_image: "self panel",
    PanelIndex.thumbnail: "self panel",
    PanelIndex.thumbnails: "self panels",
    PanelIndex.info: "self",
    PanelIndex.refresh: "self",
    PanelIndex.close: "self",
}  # fmt: skip

FIELDS: dict[type, str] = {
    retrieval.Query: (
        "text image panel negative_text view where k offset min_score per_page per_book exact nprobe include_self"
    ),
    retrieval.Panel: (
        "id book page_number number box dialogue sound_effects text_source page_path page_width page_height gate"
        " page_id book_id vector_row label box_source"
    ),
    retrieval.Box: "x y w h",
    retrieval.Facet: "value panels",
    retrieval.Filter: (
        "book book_id source page has_dialogue annotated aspect size series number volume year writer artist publisher"
        " genre language character label"
    ),
    retrieval.PanelseekError: "problem path hint",
    index_builder.BuildOptions: (
        "index_kind page_is_panel right_to_left story_only annotations workers batch_size precision max_pixels"
        " max_bytes max_members max_ratio dpi strips thumbnails keypoints regions ocr keep_ocr language within"
    ),
    index_builder.BuildReport: (
        "index books pages panels panels_with_dialogue low_confidence_pages pages_new pages_changed pages_moved"
        " pages_missing pages_restored pages_unchanged pages_excluded annotations encoded reused panels_per_second"
        " encoder generation views skipped warnings seconds ocr"
    ),
    index_builder.PagePanels: "page save_as warning",
    index_builder.SourceContent: "source books pages panels",
    index_builder.WatchEvent: "event at message path hint paths report",
}

HIT_FIELDS = "rank relevance score panel view matched_on matched_words ranking_score close"


def parameters(function: Callable[..., Any]) -> str:
    """Return the names of a function's parameters, with * before those that only keywords reach."""
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(f"**{parameter.name}" if parameter.kind is inspect.Parameter.VAR_KEYWORD else parameter.name)
    return " ".join(names)


@pytest.mark.parametrize("package", NAMES, ids=lambda package: package.__name__)
def test_the_public_names(package: ModuleType) -> None:
    """`__all__` is exactly the listed names, each can be imported, and no other name is found."""
    assert set(package.__all__) == NAMES[package]
    assert list(package.__all__) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_name'"):
        package.no_such_name  # noqa: B018 (reading it raises)


@pytest.mark.parametrize("package", NAMES, ids=lambda package: package.__name__)
def test_public_names_load_late(package: ModuleType) -> None:
    """Importing a package loads neither torch nor FAISS nor NumPy."""
    code = f"import sys, {package.__name__}; print([m for m in ('torch', 'faiss', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_parameters_of_functions(function: Callable[..., Any]) -> None:
    """A renamed, moved or dropped parameter is a change for every program that calls the function."""
    assert parameters(function) == FUNCTIONS[function]


@pytest.mark.parametrize("record", FIELDS, ids=lambda record: record.__name__)
def test_fields_of_records(record: type) -> None:
    """The same for the records that go in and come out."""
    assert parameters(record) == FIELDS[record]


def test_fields_of_a_hit() -> None:
    """A hit has the listed public fields, and its image."""
    public = [name for name in inspect.signature(retrieval.Hit).parameters if not name.startswith("_")]
    assert " ".join(public) == HIT_FIELDS
    assert parameters(retrieval.Hit.image) == "self"


def test_search_takes_the_fields_of_a_query() -> None:
    """The keyword arguments of `search` are the fields of `Query`, in their order."""
    assert " ".join(QueryFields.__annotations__) == FIELDS[retrieval.Query]


def test_every_public_method_is_listed() -> None:
    """A method that `PanelIndex` gains or loses is noticed."""
    methods = {name for name, value in vars(PanelIndex).items() if not name.startswith("_") and callable(value)}
    listed = {function.__name__ for function in FUNCTIONS if function.__qualname__.startswith("PanelIndex.")}
    assert methods | {"open"} == listed


def test_the_views() -> None:
    """The three views have the names that queries and files use."""
    assert [str(view) for view in retrieval.View] == ["picture", "dialogue", "fused"]
