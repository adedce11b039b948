"""`read_annotation` reads the usable parts of a page's JSON, and leaves warnings about the others."""

from __future__ import annotations

import json

import pytest

from index_builder.annotations import AnnotatedPanel, PageAnnotation, read_annotation
from retrieval.records import Box


def read(panels: object, **page: object) -> PageAnnotation:
    """The annotation of a 100 x 200 page."""
    return read_annotation(json.dumps({"panels": panels, **page}).encode(), 100, 200)


def test_training_form() -> None:
    """The published model's page JSON, with fractions of pixels and unused fields."""
    found = read(
        [{"bbox": [1.5, 2, 30, 40.25], "text": " WHO?\r\nME. ", "confidence": 0.9}, {"bbox": [0, 0, 9, 9], "text": ""}],
        image_width=100,
        image_height=200,
        full_page_text="{}",
    )
    assert found.panels == (
        AnnotatedPanel(1, Box(1.5, 2, 30, 40.25), "WHO?\nME."),
        AnnotatedPanel(2, Box(0, 0, 9, 9), ""),
    )
    assert (found.reading_direction, found.warnings) == (None, ())


def test_form_with_reading_direction() -> None:
    """A missing or null text is None: not transcribed, as opposed to an empty text."""
    found = read(
        [{"bbox": [0, 0, 9, 9]}, {"bbox": [9, 0, 9, 9], "text": None}], width=100, height=200, reading_direction="rtl"
    )
    assert found.panels is not None
    assert [panel.text for panel in found.panels] == [None, None]
    assert found.reading_direction == "rtl"
    assert read([], reading_direction=["rtl"]).reading_direction is None


def test_null_and_empty_lists() -> None:
    """`panels: null` means not annotated; an empty list means a page without panels."""
    assert read(None, reading_direction="rtl") == PageAnnotation(None, "rtl", ())
    assert read([]).panels == ()


NOT_JSON = "the annotation is not JSON: "
CUT_OFF = "the JSON of the annotation is cut off; only its complete entries are read: "


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        (b"", NOT_JSON),
        (b"not json", NOT_JSON),
        (b"\xff\xfe\x00", NOT_JSON),
        (b"[" * 100_000, CUT_OFF),
        (b'{"panels": [1, ', CUT_OFF),
        (b"\x80abc", NOT_JSON),
    ],
)
def test_not_json(data: bytes, warning: str) -> None:
    """Bytes that are no JSON, or JSON that is cut off, leave a warning."""
    found = read_annotation(data, 100, 200)
    assert found.panels is None
    assert found.warnings[0].startswith(warning)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    """Text with a byte order mark, as Windows editors write it, is read."""
    text = json.dumps({"panels": [{"bbox": [0, 0, 5, 5], "text": "é"}]}, ensure_ascii=False)
    found = read_annotation(text.encode(encoding), 100, 200)
    assert found.panels == (AnnotatedPanel(1, Box(0, 0, 5, 5), "é"),)


@pytest.mark.parametrize(
    "page",
    [
        [],
        7,
        None,
        "text",
        {},
        {"panels": {"1": {}}},
        {"panels": "none"},
        {"panels": [1, 2]},
    ],
)
def test_unknown_forms(page: object) -> None:
    """JSON of another format leaves a warning, and has no panels."""
    found = read_annotation(json.dumps(page).encode(), 100, 200)
    assert found.panels is None
    assert found.warnings[0].startswith("unknown annotation format")


BAD = [
    None,
    [],
    [1, 2, 3],
    [1, 2, 3, 4, 5],
    ["1", "2", "3", "4"],
    [1, 2, None, 4],
    [1, 2, True, 4],
    [1, 2, float("nan"), 4],
    [1, 2, float("inf"), 4],
    [1, 2, 10**400, 4],
    [1, 2, 0, 4],
    [1, 2, 3, -4],
    [100, 0, 5, 5],
    [0, 200, 5, 5],
    [-50, 0, 50, 5],
    [0, 0, 1001, 5],
    {"x": 1},
    "1,2,3,4",
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_box_costs_its_panel_only(bad: object) -> None:
    """The panel is dropped with a warning, and the numbers of the others stay."""
    found = read([{"bbox": [0, 0, 5, 5]}, {"bbox": bad}, {"bbox": [5, 5, 5, 5]}])
    assert found.panels is not None
    assert [panel.number for panel in found.panels] == [1, 3]
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("panel 2 dropped: its box" if bad else "panel 2 dropped: it")


def test_panels_that_are_not_objects() -> None:
    """Strings and nulls in the list are dropped like bad boxes."""
    found = read(["x", None, {"text": "no box"}, {"bbox": [0, 0, 5, 5]}])
    assert found.panels == (AnnotatedPanel(4, Box(0, 0, 5, 5), None),)
    assert len(found.warnings) == 3


def test_no_usable_panel_at_all() -> None:
    """If every panel is bad, the annotation has no panels."""
    found = read([{"bbox": [1, 2]}, {"bbox": "x"}])
    assert found.panels is None
    assert found.warnings[-1] == "the annotation has no usable panel"


def test_boxes_over_the_edge_stay_as_they_are() -> None:
    """A box that extends beyond the page is not clipped, as the encoder expects it."""
    found = read([{"bbox": [-5, -6, 50, 300]}])
    assert found.panels == (AnnotatedPanel(1, Box(-5, -6, 50, 300), None),)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (["ONE ", None, " TWO", 3], "ONE TWO"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("nul\0l", "nul l"),
        ("lone \ud800", "lone ?"),
        ("   ", ""),
    ],
)
def test_texts_are_cleaned(text: object, want: str) -> None:
    """Lists are joined; characters that databases or tokenizers refuse are replaced."""
    found = read([{"bbox": [0, 0, 5, 5], "text": text}])
    assert found.panels is not None
    assert found.panels[0].text == want
    assert found.warnings == ()


@pytest.mark.parametrize("text", [7, {"mood": "x"}, True])
def test_texts_that_are_not_words(text: object) -> None:
    """The panel stays, and its text is None."""
    found = read([{"bbox": [0, 0, 5, 5], "text": text}])
    assert found.panels == (AnnotatedPanel(1, Box(0, 0, 5, 5), None),)
    assert "expected a string" in found.warnings[0]


def test_equal_boxes_are_merged() -> None:
    """The same box twice is one panel with both texts, under the first number."""
    box = {"bbox": [0, 0, 5, 5]}
    found = read([{**box, "text": "A"}, {**box, "text": "B"}, {**box, "text": "B"}, {**box, "text": None}])
    assert found.panels == (AnnotatedPanel(1, Box(0, 0, 5, 5), "A B B"),)
    assert found.warnings[0] == "panel 2 has the same box as panel 1; merged"
    assert read([box, {**box, "text": ""}]).panels == (AnnotatedPanel(1, Box(0, 0, 5, 5), ""),)


def test_a_page_of_another_size_is_scaled() -> None:
    """The same image at twice the size: boxes are halved, and a warning is left."""
    found = read([{"bbox": [20, 40, 60, 80]}], width=200, height=401)
    assert found.panels is not None
    box = found.panels[0].box
    assert (box.x, box.w) == (10, 30)
    assert box.y == pytest.approx(40 * 200 / 401)
    assert found.warnings == ("boxes scaled from 200 x 401 px to 100 x 200",)


def test_a_page_of_another_shape_is_not_used() -> None:
    """Another aspect ratio means another image, or a rotated one."""
    found = read([{"bbox": [20, 40, 60, 80]}], image_width=200, image_height=100)
    assert found.panels is None
    assert "200 x 100" in found.warnings[0]
    assert "100 x 200" in found.warnings[0]


@pytest.mark.parametrize("side", ["wide", 0, -3, None, float("nan")])
def test_a_page_size_that_is_none(side: object) -> None:
    """An invalid size is ignored with a warning."""
    found = read([{"bbox": [0, 0, 5, 5]}], width=side, height=200)
    assert found.panels is not None
    assert "of the annotation is invalid; ignored" in found.warnings[0]
