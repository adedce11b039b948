"""The encoder of an index: found again by its fingerprint where its weights lie now, and never mixed with another."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from index_builder import build_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, verify_index
from retrieval.errors import CheckpointError, EncoderMismatch, IndexDamaged
from retrieval.search.known_weights import FILE, known_places, remember_place
from retrieval.store.layout import catalog_url
from retrieval.user_cache import cache_folder
from tests.building.library import page, put
from tests.conftest import GridEncoder
from ui.output.errors import error_sentence


class FileEncoder(GridEncoder):
    """A stand-in for an encoder of a weight file: known by the content of the file and its input profile."""

    def __init__(self, path: str | Path, profile: str | None = None) -> None:
        super().__init__()
        self.weights = Path(path)
        content = self.weights.read_bytes()
        if not content.startswith(b"weights"):
            raise CheckpointError("unusable weights", self.weights)
        self.settings = {"profile": profile or ("vlm" if "vlm" in self.weights.stem else "v1")}
        self.name = self.weights.stem
        self.fingerprint = hashlib.sha256(content + self.settings["profile"].encode()).hexdigest()


@pytest.fixture(autouse=True)
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who never gave a place of weights, and a loader without torch."""

    def load(path: str | Path, profile: str | None = None, **_: Any) -> FileEncoder:
        return FileEncoder(path, profile)

    monkeypatch.setenv("PANELSEEK_CACHE", str(tmp_path / "notes"))
    monkeypatch.setattr("retrieval.encoder.load_encoder", load, raising=False)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A folder `place` with an index and its weights in a folder next to it, and the comics elsewhere."""
    folder = tmp_path / "built"
    page(folder / "comics" / "1", 1, ["hello there", "", "", ""])
    weights = put(folder / "place" / "models" / "mine_vlm.safetensors", b"weights 1")
    build_index([folder / "comics"], folder / "place" / "my.index", encoder=weights, workers=0, ocr=False)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Another weight file, outside of that folder."""
    return put(tmp_path / "weights" / "other.safetensors", b"weights 2")


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change; as after a move, the recorded path of the weights is another one."""
    shutil.copytree(template / "place", tmp_path / "place")
    record(tmp_path / "place" / "my.index", load=str(tmp_path / "gone" / "mine_vlm.safetensors"))
    return tmp_path / "place"


def record(index: Path, **changes: Any) -> dict[str, Any]:
    """Change the record of the encoder and return it."""
    with CatalogWriter.open(catalog_url(index)) as catalog, catalog.engine.begin() as connection:
        stored = json.loads(connection.execute(text("SELECT value FROM setting WHERE key = 'encoder'")).scalar_one())
        stored |= changes
        change = text("UPDATE setting SET value = :value WHERE key = 'encoder'")
        connection.execute(change, {"value": json.dumps(stored)})
    return stored


def first_words(index: Path, **how: Any) -> str:
    with PanelIndex.open(index, **how) as opened:
        return opened.search(text="hello", k=1)[0].panel.dialogue


def test_an_index_moved_with_its_weights(place: Path) -> None:
    """The weights are found at the same place relative to the index; nothing is written anywhere."""
    assert first_words(place / "my.index") == "hello there"
    assert not (cache_folder() / FILE).exists()


@pytest.mark.parametrize("inside", [True, False])
def test_weights_next_to_the_index(place: Path, inside: bool) -> None:
    """They are also found under their name in the folder of the index, or next to it."""
    weights = place / "models" / "mine_vlm.safetensors"
    weights.rename((place / "my.index" if inside else place) / weights.name)
    assert first_words(place / "my.index") == "hello there"


def test_missing_weights_are_named(place: Path) -> None:
    """The sentence has the fingerprint, the place where they were and a suggested fix; other work still goes on."""
    shutil.rmtree(place / "models")
    with PanelIndex.open(place / "my.index") as index:
        with pytest.raises(CheckpointError) as caught:
            index.search(text="hello")
        assert len(index.search(panel=1)) == 4
    fingerprint = record(place / "my.index")["fingerprint"][:12]
    assert error_sentence(caught.value) == (
        f"{place / 'my.index'}: the weights of mine_vlm ({fingerprint}), which built the index, are no longer at "
        f"{place.parent / 'gone' / 'mine_vlm.safetensors'}, nor next to the index. Give their present place with "
        "--encoder PATH, in Python PanelIndex.open(index, encoder=PATH); it is remembered."
    )


@pytest.mark.parametrize("name", ["mine_vlm.safetensors", "renamed.safetensors", "what a_vlm name.safetensors"])
def test_a_given_place_is_remembered(place: Path, tmp_path: Path, name: str) -> None:
    """Whatever the file is called now, it is taken by its content; the next time no place has to be given."""
    moved = tmp_path / "elsewhere" / name
    moved.parent.mkdir()
    (place / "models" / "mine_vlm.safetensors").rename(moved)
    assert first_words(place / "my.index", encoder=moved) == "hello there"
    assert first_words(place / "my.index") == "hello there"
    assert verify_index(place / "my.index", sample=0).sound
    again = moved.rename(moved.with_name("again.safetensors"))
    with pytest.raises(CheckpointError, match="are no longer at"):
        first_words(place / "my.index")
    assert first_words(place / "my.index", encoder=str(again)) == "hello there"


def test_other_weights_are_refused(place: Path, model: Path) -> None:
    """Both fingerprints are named with a suggested fix, in search, verify and build; nothing is remembered."""
    index, other = place / "my.index", model
    built_by, given = record(index)["fingerprint"], FileEncoder(other).fingerprint
    place_of_it = re.escape(str(other))
    sentence = rf"encoder mine_vlm \({built_by[:12]}\), and this is other \({given[:12]}\) from {place_of_it}\n"
    for use in (
        lambda: PanelIndex.open(index, encoder=other),
        lambda: PanelIndex.open(index, encoder=str(other)),
        lambda: verify_index(index, encoder=other),
        lambda: build_index([model.parent], index, encoder=other, workers=0, ocr=False),
    ):
        with pytest.raises(EncoderMismatch, match=sentence) as caught:
            use()
        assert "--encoder" in str(caught.value.hint)
    assert known_places(given) == []


def test_other_weights_at_the_recorded_place(place: Path, model: Path) -> None:
    """A file that was replaced is refused with both fingerprints, and skipped if the right one is found elsewhere."""
    replaced = place / "mine_vlm.safetensors"
    shutil.copy(model, replaced)
    record(place / "my.index", load=str(replaced))
    assert first_words(place / "my.index") == "hello there"
    shutil.rmtree(place / "models")
    with pytest.raises(EncoderMismatch, match=r"built with encoder mine_vlm \(\w+\), and this is mine_vlm"):
        first_words(place / "my.index")


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04 cut"])
def test_damaged_weights(place: Path, content: bytes) -> None:
    """They are named with what was found, and skipped if intact ones are found elsewhere."""
    damaged = place / "mine_vlm.safetensors"
    damaged.write_bytes(content)
    record(place / "my.index", load=str(damaged))
    assert first_words(place / "my.index") == "hello there"
    shutil.rmtree(place / "models")
    with pytest.raises(CheckpointError, match=r"cannot be used: .*mine_vlm\.safetensors: unusable weights"):
        first_words(place / "my.index")


def test_a_build_records_the_new_place(template: Path, place: Path, tmp_path: Path) -> None:
    """A build that finds the weights, or is given their place, writes it into the index for everybody."""
    index, comics = place / "my.index", tmp_path / "comics"
    shutil.copytree(template / "comics", comics)
    page(comics / "2", 2)
    build_index([comics], index, workers=0, ocr=False)
    assert record(index)["load"] == str(place / "models" / "mine_vlm.safetensors")
    moved = (place / "models" / "mine_vlm.safetensors").rename(tmp_path / "new.safetensors")
    build_index([comics], index, encoder=moved, workers=0, ocr=False)
    found = record(index)
    assert (found["load"], found["relative"]) == (str(moved), "../../new.safetensors")
    assert first_words(index) == "hello there"


def test_an_encoder_object(tmp_path: Path) -> None:
    """An index built with one needs it again, or says what to pass; a search by panel needs none."""
    page(tmp_path / "comics" / "1", 1, ["hello there", "", "", ""])
    index = tmp_path / "my.index"
    build_index([tmp_path / "comics"], index, encoder=GridEncoder(), workers=0, ocr=False)
    assert first_words(index, encoder=GridEncoder()) == "hello there"
    with PanelIndex.open(index) as opened:
        assert len(opened.search(panel=1)) == 4
        with pytest.raises(CheckpointError) as caught:
            opened.search(text="hello")
    assert error_sentence(caught.value) == (
        f"{index}: the index was built with an encoder object, grid (grid-1), which has no name that can be loaded. "
        "Pass it to PanelIndex.open(index, encoder=...), or give its weight file with --encoder PATH."
    )
    page(tmp_path / "comics" / "2", 2)
    with pytest.raises(CheckpointError, match="encoder object"):
        build_index([tmp_path / "comics"], index, workers=0, ocr=False)
    assert build_index([tmp_path / "comics"], index, encoder=GridEncoder(), workers=0, ocr=False).panels == 8


def test_an_encoder_object_with_a_weight_file(tmp_path: Path, model: Path) -> None:
    """The object that `load_encoder` makes from a path is found again by that path."""
    page(tmp_path / "comics" / "1", 1, ["hello there", "", "", ""])
    build_index([tmp_path / "comics"], tmp_path / "i", encoder=FileEncoder(model), workers=0, ocr=False)
    assert record(tmp_path / "i")["load"] == str(model)
    assert first_words(tmp_path / "i") == "hello there"
    with PanelIndex.open(tmp_path / "i", encoder=FileEncoder(model)) as index:
        assert index.encoder.name == "other"


def test_a_lost_record_of_the_encoder(place: Path) -> None:
    """Without it nothing can be compared: no encoder is guessed, neither by a search nor by a build."""
    index = place / "my.index"
    with CatalogWriter.open(catalog_url(index)) as catalog, catalog.engine.begin() as connection:
        connection.execute(text("DELETE FROM setting WHERE key = 'encoder'"))
    with PanelIndex.open(index) as opened:
        assert len(opened.search(panel=1)) == 4
        with pytest.raises(IndexDamaged, match="do not say which encoder built the index"):
            opened.search(text="hello")
    for use in (
        lambda: PanelIndex.open(index, encoder=GridEncoder()),
        lambda: PanelIndex.open(index, encoder="small"),
        lambda: build_index([place], index, encoder="small", workers=0, ocr=False),
    ):
        with pytest.raises(IndexDamaged, match="do not say which encoder built the index"):
            use()


# ------------------------------------------------------------------ the file of places


def test_places_are_kept_newest_first(tmp_path: Path) -> None:
    """Each once, eight at most, for each fingerprint."""
    for number in [*range(10), 5]:
        remember_place("a", tmp_path / f"{number}.pt")
    remember_place("b", tmp_path / "x.pt")
    assert [path.stem for path in known_places("a")] == ["5", "9", "8", "7", "6", "4", "3", "2"]
    assert [path.stem for path in known_places("b")] == ["x"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": 5}', b'{"a": [1, null, "x.pt"]}', b"\xff\xfe", b"[" * 100_000, b'{"a": ["x.pt']
)
def test_a_damaged_file_of_places(content: bytes) -> None:
    """It counts as empty where it is damaged, and is written anew."""
    cache_folder().mkdir(parents=True)
    (cache_folder() / FILE).write_bytes(content)
    assert known_places("a") == ([Path("x.pt")] if b"null" in content else [])
    remember_place("a", Path("/y.pt"))
    assert known_places("a")[0] == Path("/y.pt")


def test_a_cache_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the work goes on."""
    cache_folder().write_text("a file where the folder should be")
    remember_place("a", tmp_path / "x.pt")
    assert "the place of the weights is not remembered" in caplog.text
    assert known_places("a") == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PANELSEEK_CACHE": "/a"}, "/a"),
        ({"PANELSEEK_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/panelseek"),
        ({"PANELSEEK_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/panelseek"),
    ],
)
def test_the_folder_of_the_cache(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)
