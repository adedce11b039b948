"""Damaged annotations, as programs and models leave them: usable parts are read, problems leave a warning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from index_builder.annotations import PageAnnotation, read_annotation
from index_builder.annotations.formats import mokuro
from index_builder.annotations.json_text import parse_json
from index_builder.annotations.registry import parse_file
from retrieval.records import Box

BOX = [100, 200, 500, 700]
"""y1, x1, y2, x2 in thousandths: on a page of 200 x 400 px the box 40, 40, 100, 160."""

PIXELS = Box(40, 40, 100, 160)


def read(page: Any) -> PageAnnotation:
    """The annotation of a 200 x 400 page."""
    return read_annotation(json.dumps(page).encode(), 200, 400)


def panel(**more: Any) -> dict[str, Any]:
    return {"panel_number": 1, "box_2d": BOX, "text_content": [{"label": "dialogue", "text": "Hello"}], **more}


def boxes(found: PageAnnotation) -> list[Box]:
    return [Box(*(round(v, 6) for v in (p.box.x, p.box.y, p.box.w, p.box.h))) for p in found.panels or ()]


@pytest.mark.parametrize(
    ("box", "expected", "warning"),
    [
        (BOX, PIXELS, ""),
        (["100", "200.0", "500", "700"], PIXELS, ""),
        ([500, 700, 100, 200], PIXELS, "corners of its box were swapped"),
        ([-50, 200, 500, 1300], Box(40, 0, 160, 200), "extended beyond the page"),
        (None, None, "has no box"),
        ([100, 200, 500], None, "not four numbers"),
        ([100, None, 500, 700], None, "not four numbers"),
        (["a", 1, 2, 3], None, "not four numbers"),
        ("100,200,500,700", None, "not four numbers"),
        ([100, 200, 100, 700], None, "no area"),
        ([float("nan"), 200, 100, 700], None, "not four numbers"),
    ],
)
def test_boxes_of_models(box: Any, expected: Box | None, warning: str) -> None:
    """Numbers in strings are read, swapped corners are corrected, and an invalid box drops its panel."""
    other = panel(box_2d=[0, 0, 100, 100])
    found = read({"panels": [panel(box_2d=box), other]})
    assert boxes(found) == ([expected] if expected else []) + [Box(0, 0, 20, 40)]
    assert [p.number for p in found.panels or ()] == ([1] if expected else []) + [2]
    assert any(warning in remark for remark in found.warnings) is bool(warning)


@pytest.mark.parametrize("model", ["glm-4.5v", "z-ai/GLM-4.5V", "zhipu/glm-4v"])
def test_models_that_begin_with_x(model: str) -> None:
    """A GLM model's boxes are x1, y1, x2, y2; those of other models begin with y."""
    assert boxes(read({"model": model, "panels": [panel(box_2d=[200, 100, 700, 500])]})) == [PIXELS]
    assert boxes(read({"model": None, "panels": [panel()]})) == [PIXELS]


@pytest.mark.parametrize(
    ("keys", "dialogue", "effects"),
    [
        ({"text_content": [{"type": "dialogue", "text": "A"}, {"speech_type": "caption", "text": "B"}]}, "A B", ""),
        ({"text_content": [{"label": "sfx", "text": "KRAK"}, {"label": "dialogue", "text": "A"}]}, "A", "KRAK"),
        ({"text_content": None}, None, ""),
        ({"text_content": []}, "", ""),
        ({"text_content": ["A", 7, None, {"text": ["B", "C"]}, {"text": None}]}, "B C A", ""),
        ({"text_content": None, "text": ["A", "B"]}, "A B", ""),
        ({"text_content": None, "text": {"dialogue": ["A"], "narration": "N", "sfx": ["X", "Y"]}}, "N A", "X Y"),
        (
            {"text_content": None, "speakers": [{"character": "Ana", "dialogue": "A"}, None, {"dialogue": None}]},
            "A",
            "",
        ),
    ],
)
def test_words_of_models(keys: dict[str, Any], dialogue: str | None, effects: str) -> None:
    """Texts are read from all keys, as strings or lists, apart from sound effects; None means no key for texts."""
    (found,) = read({"panels": [panel(**keys)]}).panels or ()
    assert (found.text, found.sound_effects) == (dialogue, effects)


def test_who_and_what() -> None:
    """Characters and descriptions are read in each form."""
    (found,) = (
        read(
            {"panels": [panel(characters=[{"name": "Keeper"}, {"name": None}, "Cat", 7], description=["A", "b"])]}
        ).panels
        or ()
    )
    assert (found.characters, found.description) == (("Keeper", "Cat"), "A b")
    (found,) = (
        read({"panels": [panel(characters=None, caption="In fog", speakers=[{"character": "Ana"}])]}).panels or ()
    )
    assert (found.characters, found.description) == (("Ana",), "In fog")


@pytest.mark.parametrize("panels", [{"1": panel(), "2": panel(box_2d=[0, 0, 100, 100])}, [panel(), None, 7, "x"]])
def test_panels_in_odd_containers(panels: Any) -> None:
    """Panels may be the values of an object, or stand among items that are not panels."""
    found = read({"panels": panels})
    assert boxes(found)[0] == PIXELS
    assert all("not an object" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "value", [[], 7, None, "words", {"panels": "none"}, [1, 2], {"a": {"b": {}}}, {"panels": [None]}]
)
def test_what_is_no_page(value: Any) -> None:
    """The annotation has no panels, and one warning."""
    found = read(value)
    assert found.panels is None
    assert len(found.warnings) == 1


WHOLE = json.dumps(
    {"overall_summary": "x [{", "panels": [panel(description='a "quote" \\ ]}'), panel(box_2d=[0, 0, 9, 9])]}
)


def test_output_cut_off_anywhere() -> None:
    """Wherever a model was stopped, the panels it had finished are read, and nothing raises."""
    counts = [_panels(end) for end in range(1, len(WHOLE) + 1)]
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2}
    first = WHOLE.index('}, {"panel_number"') + 1
    assert (_panels(first - 1), _panels(first)) == (0, 1)
    (warning, *_) = read_annotation(WHOLE[:-3].encode(), 200, 400).warnings
    assert warning.startswith("the JSON of the annotation is cut off; only its complete entries are read")


def _panels(end: int) -> int:
    return len(read_annotation(WHOLE[:end].encode(), 200, 400).panels or ())


def test_fences_around_json() -> None:
    """JSON between code fences is read, also if the second fence is missing."""
    for text in (f"```json\n{WHOLE}\n```", f"```\n{WHOLE}\n```\n", f"```json\n{WHOLE}"):
        assert len(read_annotation(text.encode(), 200, 400).panels or ()) == 2, text[:20]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2, 3', {"a": [1, 2]}),
        ('{"a": [1, 2], "b": "x', {"a": [1, 2]}),
        ('[{"a": 1}, {"b"', [{"a": 1}]),
        ('{"a": {"b": [[1], [2', {"a": {"b": [[1]]}}),
        ('{"a": "\\', {}),
        ("[" * 50_000, []),
        ("no json", None),
        ('{"a" 1}', None),
    ],
)
def test_what_is_kept_of_json_that_ends_too_early(text: str, value: Any) -> None:
    """The complete entries of the outermost open list are kept, else those of the object."""
    assert parse_json(text.encode())[0] == value


FAILED = {"canonical_id": "x", "error": "out of memory"}
OCR_FORMS: list[dict[str, Any]] = [
    {"paddleocr_results": [{"text": "WHO", "bbox": [[10, 20], [90, 20], [90, 70], [10, 70]]}, {"text": "", "bbox": 1}]},
    {"OCRResult": {"text_regions": [{"text": "WHO", "bbox": [10, 20, 90, 70]}]}},
    {"text_regions": [{"text": "WHO", "bbox": [10, 20, 80, 50], "polygon": None}, None], "full_text": "WHO"},
    {"text_regions": [{"text": "WHO", "polygon": [[10, 20], [90, 20], [90, 70], [10, 70]]}]},
]


@pytest.mark.parametrize("page", OCR_FORMS)
def test_words_read_by_others(page: dict[str, Any]) -> None:
    """Each form has the same block with the same box, without panels."""
    found = read(page)
    assert found.panels is None
    assert [(block.text, block.box) for block in found.blocks] == [("WHO", Box(10, 20, 80, 50))]


def test_a_detector_that_failed() -> None:
    """Its reason is in the warnings, and there are no panels."""
    assert read(FAILED) == PageAnnotation(None, None, ("the detector failed on this page: out of memory",))


DEEP: Any = {"panels": panel()}
for _ in range(200):
    DEEP = {"x": DEEP}

HOSTILE: list[Any] = [
    DEEP,
    {"annotations": [{"image_id": [], "category_id": {}}, 7], "categories": [{"id": [], "name": 3}, None], "images": 5},
    {"annotations": [{"image_id": 1, "category_id": 2, "bbox": "x"}], "categories": [{"id": 2, "name": "PANEL"}]},
    {"pages": [{"img_path": "a", "blocks": [{"box": None, "lines": [None, 7, "x"]}, None]}]},
    [{"filename": None, "panels": [[1, 2], None], "size": "x"}],
    [{"canonical_id": None, "panels": [{"rcnn_bbox": [1, 2], "vlm_box_2d": "x", "text": {}}]}],
    {"detections": [None, {"label": None}, {"label": "panel", "box_xyxy": None}], "image_size_wh": [0, "x"]},
    {"objects": [None, {"label": "panel"}, {"label": "panel", "box_2d": BOX}]},
    {"ComicBookInfo/1.0": {"series": ["x"], "credits": [None, {"person": 7, "role": []}], "tags": {"a": 1}}},
    [{"hash_code": None, "covers": {"page_start": 1}}, 7],
    {"OCRResult": {"panels": None}},
    {"text_regions": [{"text": 7, "bbox": [[1], [2, "x"]]}]},
    {"panels": [{"box_2d": BOX, "characters": 7}]},
    {"annotations": [], "categories": [{"id": [], "name": "panel"}]},
]


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_nothing_raises(value: Any) -> None:
    """Files that look like a known format and hold nonsense do not raise."""
    data = json.dumps(value).encode()
    parse_file(data)
    read_annotation(data, 200, 400)
    for end in range(0, len(data), 7):
        parse_file(data[:end])


XML = [
    b"<ComicInfo><Pages><Page/><Page Image='-1'/><Page Image='0' Type=''/></Pages><Year>x</Year></ComicInfo>",
    b"<ACBF><body><page><frame points='1,2'/><frame/><image/></page>"
    b"<page><image href='a'/><frame points='x'/></page></body></ACBF>",
    b"<comet><date>soon</date><readingDirection>up</readingDirection></comet>",
    b"<other/>",
    b"<",
    b"\xff\xfe<\x00C\x00",
]


@pytest.mark.parametrize("data", XML)
def test_odd_xml(data: bytes) -> None:
    """Invalid fields are ignored; a file that is no XML leaves a warning."""
    found = parse_file(data)
    assert found.format or found.warning or data == b"<other/>"


@pytest.mark.parametrize(
    "data", [b"", b"canonical_id", b"canonical_id,x\n", b'canonical_id,absolute_image_path\n"a', b"a\0b"]
)
def test_odd_tables(data: bytes) -> None:
    """A manifest without rows, or cut off in the first one, is empty."""
    assert parse_file(data).manifest in ({}, {"": "a"})


def test_a_mokuro_block_without_lines_is_counted() -> None:
    """A block whose lines have another name has no text, and the page says so; an empty block does not."""
    pages = [
        {"img_path": f"{n}.jpg", "blocks": [{"box": [0, 0, 9, 9], key: []}]} for n, key in enumerate(["lines", "x"])
    ]
    volume = mokuro.read({"pages": pages})
    assert volume is not None
    assert volume.pages["0.jpg"].warnings == ()
    assert volume.pages["1.jpg"].warnings == ("text blocks ignored because they have no list of lines: 1",)
