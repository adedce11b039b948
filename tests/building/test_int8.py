"""An index in int8: built, searched, built again, moved, damaged and refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from index_builder import build_index, repair_index
from retrieval import PanelIndex, load_encoder, verify_index
from retrieval.encoder.runtime import int8_calibration
from retrieval.encoder.runtime.int8_ranges import FILE
from retrieval.errors import CheckpointError, EncoderMismatch, UsageError
from retrieval.records import View
from retrieval.user_cache import cache_folder
from tests.building.library import page
from tests.conftest import GridEncoder
from tests.narrow_v1 import narrow_files, narrow_state


@pytest.fixture(scope="module")
def network(recipe: ModuleType) -> Iterator[None]:
    """Every weight file is a narrow network of v1's shape; few panels are enough to calibrate it."""
    with narrow_files(narrow_state(recipe)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8_calibration, "LEAST_PANELS", 12)
        yield


@pytest.fixture(scope="module")
def template(network: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights, comics, an index in int8, and the cache folder."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "mine.safetensors").write_bytes(b"weights")
    for number in range(4):
        page(folder / "comics" / "book" / str(number), number, [f"line {number}", "", "rain", ""])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PANELSEEK_CACHE", str(folder / "cache"))
        report = build(folder, "int8", precision="int8")
    assert report.encoder["precision"] == "int8"
    assert report.seconds["calibrate int8"] > 0
    return folder


@pytest.fixture
def place(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change; the weights and the comics are those of the template."""
    for name in ("int8", "cache"):
        shutil.copytree(template / name, tmp_path / name)
    monkeypatch.setenv("PANELSEEK_CACHE", str(tmp_path / "cache"))
    return tmp_path


def build(folder: Path, index: str, comics: Path | None = None, **options: Any) -> Any:
    encoder = options.pop("encoder", folder / "mine.safetensors")
    sources = [comics or folder / "comics"]
    return build_index(sources, folder / index, encoder=encoder, device="cpu", workers=0, ocr=False, **options)


def first(index: Path, **query: Any) -> Any:
    with PanelIndex.open(index, device="cpu") as opened:
        return opened.search(k=1, **query)[0]


def test_searches(place: Path) -> None:
    """Words and pictures find their panels with an encoder in int8, also in a process that ends after one query."""
    with PanelIndex.open(place / "int8", device="cpu") as opened:
        panel = opened.browse(k=6)[5]
        (hit,) = opened.search(image=opened.panel_image(panel), k=1)
        assert hit.panel.id == panel.id
        assert hit.score > 0.999
        assert opened.encoder.precision == "int8"  # type: ignore[attr-defined]
        assert opened.info()["encoder"]["precision"] == "int8"
    assert first(place / "int8", text="line 2").panel.dialogue == "line 2"
    with PanelIndex.open_for_one_query(place / "int8", device="cpu") as opened:
        assert opened.search(text="line 3", k=1)[0].panel.dialogue == "line 3"
    assert verify_index(place / "int8", device="cpu").sound


def test_vectors_are_near_those_of_float32(place: Path, template: Path) -> None:
    (place / "mine.safetensors").write_bytes(b"weights")
    build(place, "float32", template / "comics", precision="float32")
    with PanelIndex.open(place / "int8", device="cpu") as one, PanelIndex.open(place / "float32", device="cpu") as two:
        assert one.encoder.fingerprint != two.encoder.fingerprint
        vectors = [_pictures(opened) for opened in (one, two)]
        cosines = (vectors[0] * vectors[1]).sum(axis=1)
    assert 0.998 < cosines.min() < 0.999999


def _pictures(index: PanelIndex) -> np.ndarray:
    rows = index.catalog.panels.vector_places().rows
    return index._vectors.read(View.PICTURE, rows).astype(np.float32)


def test_another_build_stays_in_int8(place: Path, template: Path) -> None:
    """With `auto` and with the encoder's name; the ranges stay."""
    before = (place / "int8" / FILE).read_bytes()
    comics = shutil.copytree(template / "comics", place / "comics2")
    page(comics / "other" / "1", 77, ["one more", "", "", ""])
    for path in (comics / "book").iterdir():
        path.unlink()
    report = build_index([comics], place / "int8", device="cpu", workers=0, ocr=False)
    assert (report.encoded, report.encoder["precision"]) == (4, "int8")
    assert "calibrate int8" not in report.seconds
    assert (place / "int8" / FILE).read_bytes() == before
    assert first(place / "int8", text="one more").panel.dialogue == "one more"
    build_index([comics], place / "int8", device="cpu", workers=0, ocr=False, precision="int8")


def test_other_precisions_are_refused_in_a_build(place: Path, template: Path) -> None:
    for chosen in ("float32", "bfloat16"):
        problem = f"the index was built in int8, whose vectors are not compared with those of {chosen}"
        with pytest.raises(UsageError, match=problem):
            build(template, str(place / "int8"), precision=chosen)
    build(template, str(place / "float32"), precision="float32")
    with pytest.raises(UsageError, match=r"the index was built in float32, whose .* with those of int8") as caught:
        build(template, str(place / "float32"), precision="int8")
    assert caught.value.hint == "leave out --precision, or build into another --index"
    encoder = load_encoder(template / "mine.safetensors", precision="int8", calibration=place / "int8" / FILE)
    with pytest.raises(EncoderMismatch, match=r"and this is mine \([0-9a-f]{12}, int8\)"):
        PanelIndex.open(place / "float32", encoder=encoder)


def test_an_encoder_in_float32_is_refused(place: Path, template: Path) -> None:
    exact = load_encoder(template / "mine.safetensors", device="cpu", precision="float32")
    with pytest.raises(EncoderMismatch, match=r"built with encoder mine \([0-9a-f]{12}, int8\), and this is mine"):
        PanelIndex.open(place / "int8", encoder=exact)
    with PanelIndex.open(place / "int8", encoder=template / "mine.safetensors", device="cpu") as opened:
        assert opened.search(text="rain", k=1)[0].panel.dialogue == "rain"  # weights by their path get the ranges


def test_an_encoder_object_brings_its_ranges(place: Path, template: Path) -> None:
    encoder = load_encoder(template / "mine.safetensors", precision="int8", calibration=place / "int8" / FILE)
    build(template, str(place / "second"), encoder=encoder)
    assert (place / "second" / FILE).read_bytes() == (place / "int8" / FILE).read_bytes()
    assert first(place / "second", text="rain").panel.dialogue == "rain"


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_damaged_ranges(place: Path, template: Path, damage: str) -> None:
    """The copy in the cache stands in, and repair and the next build write the file again; else a sentence."""
    file = place / "int8" / FILE
    content = file.read_bytes()

    def harm() -> None:
        file.unlink() if damage == "gone" else file.write_bytes(content[:-1] + b"\x00")

    harm()
    assert first(place / "int8", text="rain").panel.dialogue == "rain"
    (problem,) = verify_index(place / "int8", sample=0).problems
    assert (problem.part, problem.derived) == ("encoder", True)
    assert "ranges of int8" in repair_index(place / "int8").rebuilt
    assert file.read_bytes() == content
    harm()
    build(template, str(place / "int8"))
    assert file.read_bytes() == content
    harm()
    shutil.rmtree(cache_folder() / "int8")
    with pytest.raises(CheckpointError, match="it has the ranges of int8, without which the index takes no queries"):
        first(place / "int8", text="rain")
    (problem,) = verify_index(place / "int8", sample=0).problems
    assert (problem.part, problem.derived) == ("encoder", False)


def test_an_emptied_cache(place: Path) -> None:
    """The index has its own ranges, also after a move."""
    shutil.rmtree(cache_folder())
    (place / "int8").rename(place / "moved")
    assert first(place / "moved", text="line 1").panel.dialogue == "line 1"


def test_too_few_panels(place: Path, template: Path, monkeypatch) -> None:
    """The build ends with a sentence, and no index is left."""
    monkeypatch.setattr(int8_calibration, "LEAST_PANELS", 64)
    with pytest.raises(CheckpointError, match=r"int8 is calibrated on panels .* found 16, expected 64 at least"):
        build(template, str(place / "new"), precision="int8")
    assert not (place / "new").exists()


def test_int8_that_is_not_exact_enough(place: Path, template: Path, monkeypatch) -> None:
    """The build ends with a sentence; another one into the same index takes the precision that it is given."""
    monkeypatch.setattr(int8_calibration, "LEAST_COSINE", 1.1)
    monkeypatch.setattr(int8_calibration, "FLOAT_SHARES", (0.0, 0.5))
    with pytest.raises(CheckpointError, match="int8 is not exact enough for these panels") as caught:
        build(template, str(place / "new"), precision="int8")
    assert caught.value.hint == "use --precision auto"
    assert build(template, str(place / "new"), precision="float32").encoder["precision"] == "float32"


def test_a_build_that_was_stopped_after_the_calibration(place: Path, template: Path, monkeypatch) -> None:
    """The next one may take another precision, or calibrate again."""

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for chosen in ("float32", "int8"):
        with monkeypatch.context() as patch:
            patch.setattr("index_builder.session.BuildSession._write_pages", stop)
            with pytest.raises(KeyboardInterrupt):
                build(template, str(place / chosen), precision="int8")
        assert (place / chosen / FILE).exists()
        assert build(template, str(place / chosen), precision=chosen).encoder["precision"] == chosen
        assert first(place / chosen, text="line 1").panel.dialogue == "line 1"


def test_encoders_without_int8(place: Path, template: Path) -> None:
    with pytest.raises(UsageError, match="the encoder small has no int8"):
        build(template, str(place / "new"), encoder="small", precision="int8")
    with pytest.raises(UsageError, match="by their name or path; found the encoder object grid"):
        build(template, str(place / "new"), encoder=GridEncoder(), precision="int8")
    with pytest.raises(UsageError, match="int8 is for published encoders by OpenVINO on a CPU"):
        build(template, str(place / "new"), precision="int8", load=lambda *_, **__: GridEncoder())
