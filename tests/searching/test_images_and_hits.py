"""Images in every form that programs have them, and hits that are stored and copied."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from retrieval import PanelIndex
from retrieval.errors import PanelseekError, PictureError, UsageError
from tests.building.library import build, page
from tests.conftest import GridEncoder, draw_page

PICTURE = draw_page(5, 1, (160, 120))
ARRAY = np.asarray(PICTURE)


def encoded() -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, "PNG")
    return out.getvalue()


def moved_to_its_end() -> io.BytesIO:
    file = io.BytesIO(encoded())
    file.seek(0, io.SEEK_END)
    return file


CHW = torch.from_numpy(ARRAY.copy()).permute(2, 0, 1)
FORMS: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": lambda _: encoded(),
    "bytearray": lambda _: bytearray(encoded()),
    "memoryview": lambda _: memoryview(encoded()),
    "BytesIO": lambda _: io.BytesIO(encoded()),
    "BytesIO at its end": lambda _: moved_to_its_end(),
    "open file": lambda path: path.open("rb"),
    "PIL": lambda _: PICTURE,
    "RGBA": lambda _: PICTURE.convert("RGBA"),
    "uint8 HWC": lambda _: ARRAY,
    "uint8 CHW": lambda _: ARRAY.transpose(2, 0, 1),
    "float HWC": lambda _: ARRAY / 255,
    "float32 CHW": lambda _: (ARRAY / 255).astype(np.float32).transpose(2, 0, 1),
    "lists": lambda _: ARRAY.tolist(),
    "lists of floats": lambda _: (ARRAY / 255).tolist(),
    "tensor uint8 CHW": lambda _: CHW,
    "tensor uint8 HWC": lambda _: CHW.permute(1, 2, 0),
    "tensor float CHW": lambda _: CHW.float() / 255,
    "tensor float HWC with gradient": lambda _: (CHW.permute(1, 2, 0).float() / 255).requires_grad_(),
    "tensor float64": lambda _: CHW.double() / 255,
}
REFUSED: list[tuple[Any, str]] = [
    ({"a": 1}, "dict is not an image"),
    (3, "int is not an image"),
    (object(), "object is not an image"),
    ("", "is empty"),
    (" ", "is empty"),
    ([], "not an image"),
    ([[1, 2], [3]], "differ in length"),
    ([["a"]], "is not an image"),
    ([[[300, 0, 0]]], "use uint8"),
    (np.zeros((2, 5, 5, 3), np.uint8), "use \\(H, W\\)"),
    (torch.zeros(2, 3, 8, 8), "use \\(H, W\\)"),
    (torch.zeros(7, 8, 9), "use \\(H, W\\)"),
    (np.zeros(5, np.uint8), "use \\(H, W\\)"),
    (np.zeros((0, 5, 3), np.uint8), "no width or no height"),
    (np.full((4, 4), np.nan), "outside 0 to 1"),
    (np.full((4, 4, 3), 255.0), "outside 0 to 1"),
    (np.zeros((4, 4), bool), "use uint8"),
    (torch.zeros(3, 4, 4, dtype=torch.complex64), "use uint8"),
    (b"", "empty"),
    (b"not an image", "not an image"),
    (io.StringIO("text"), "open as text"),
    (io.BytesIO(b"GIF89a"), "cut off or damaged"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = tmp_path_factory.mktemp("forms")
    for number in range(4):
        page(folder / "comics" / "book" / str(number), number, [f"line {number}", "", "", ""])
    build(folder / "comics", folder / "i")
    with PanelIndex.open(folder / "i", encoder=GridEncoder()) as opened:
        yield opened


@pytest.mark.parametrize("form", FORMS)
def test_an_image_in_any_form(index: PanelIndex, tmp_path: Path, form: str) -> None:
    """The same picture gives the same hits, in whatever form it comes."""
    path = tmp_path / "picture.png"
    path.write_bytes(encoded())
    expected = [(hit.panel.id, round(hit.score, 2)) for hit in index.search(image=PICTURE, k=5)]
    image = FORMS[form](path)
    assert [(hit.panel.id, round(hit.score, 2)) for hit in index.search(image=image, k=5)] == expected
    if form == "open file":
        image.close()


def test_grey_images(index: PanelIndex) -> None:
    """One channel, first or last or alone, is grey."""
    grey = ARRAY[:, :, 0]
    expected = [hit.panel.id for hit in index.search(image=grey)]
    for image in (grey[None], grey[:, :, None], torch.from_numpy(grey.copy())[None]):
        assert [hit.panel.id for hit in index.search(image=image)] == expected


@pytest.mark.parametrize(
    ("image", "sentence"), REFUSED, ids=[f"{i} {sentence}" for i, (_, sentence) in enumerate(REFUSED)]
)
def test_what_is_no_image(index: PanelIndex, image: Any, sentence: str) -> None:
    """Anything else is refused with a sentence that says what is taken."""
    with pytest.raises(PanelseekError, match=sentence) as refused:
        index.search(image=image)
    assert isinstance(refused.value, PictureError | UsageError)


def test_hits_are_pickled(index: PanelIndex) -> None:
    """A stored hit equals the one that was found; only its image needs the index."""
    hits = index.search(text="line", k=3)
    stored = pickle.loads(pickle.dumps(hits))
    assert stored == hits
    assert stored[0].panel == hits[0].panel
    with pytest.raises(UsageError, match="stored without its index"):
        stored[0].image()
    assert index.panel_image(stored[0].panel).size == hits[0].image().size
    assert pickle.loads(pickle.dumps(stored)) == hits


def test_hits_are_copied(index: PanelIndex) -> None:
    """A copy in the same program still reads its image."""
    hits = index.search(text="line", k=3)
    for copied in (copy.copy(hits[0]), copy.deepcopy(hits)[0], copy.deepcopy({"a": hits})["a"][0]):
        assert copied == hits[0]
        assert copied.image().size == hits[0].image().size
