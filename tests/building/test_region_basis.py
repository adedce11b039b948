"""Region vectors as int8 coordinates on the encoder's basis, of which the index keeps a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder import build_index
from index_builder.maintenance.repair import repair_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, verify_index
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import OLDEST_SCHEMA
from retrieval.store.layout import catalog_url, open_vectors
from retrieval.store.region_basis import (
    FILE,
    basis_record,
    from_coordinates,
    kept_cosines,
    principal_directions,
    to_coordinates,
    write_basis,
)
from retrieval.store.scoring import all_scores
from retrieval.store.vectors import REGIONS, VectorStore
from tests.building.library import page
from tests.conftest import FloatRows, QuarterEncoder, draw_page, panel_boxes, unit

WIDTH = 510


def turned(seed: int = 3) -> FloatRows:
    """Return WIDTH orthonormal rows in which the vectors of the test encoder lie: its 507 numbers, turned."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((WIDTH, DIMENSION), np.float32)
    rows[:, :WIDTH] = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    return rows


class BasisEncoder(QuarterEncoder):
    """The test encoder with a basis; its fingerprint is that of the one without."""

    region_basis: Any = turned()


@pytest.fixture
def built(lib: Path, index: Path) -> Path:
    for n in range(3):
        page(lib / "book" / str(n), n, ["rain", "", "", ""])
    build(lib, index)
    return index


def build(lib: Path, index: Path, encoder: Any = None) -> Any:
    return build_index([lib], index, encoder=encoder or BasisEncoder(), workers=0, ocr=False)


def store(index: Path) -> VectorStore:
    with Catalog.open(catalog_url(index)) as catalog:
        return open_vectors(index, catalog.settings())


def flip(index: Path) -> None:
    path = index / "vectors" / FILE
    data = bytearray(path.read_bytes())
    data[5_000] ^= 1
    path.write_bytes(data)


def remove(index: Path) -> None:
    (index / "vectors" / FILE).unlink()


def cut(index: Path) -> None:
    path = index / "vectors" / FILE
    path.write_bytes(path.read_bytes()[:2048])


# ------------------------------------------------------------------------- vectors


def test_a_panel_takes_a_byte_for_each_direction(built: Path) -> None:
    """Four regions of 12 panels, each WIDTH bytes; no file of float16 regions."""
    names = {path.name: path.stat().st_size for path in (built / "vectors").iterdir()}
    assert names["regions-00000.i8"] == 12 * 4 * WIDTH
    assert names[FILE] == WIDTH * 2048
    assert "regions-00000.f16" not in names
    assert verify_index(built, encoder=BasisEncoder()).problems == ()


def test_read_vectors_are_those_of_the_encoder(built: Path) -> None:
    """Region vectors have length 1 and a cosine of at least 0.999 with those that were encoded."""
    with PanelIndex.open(built, encoder=BasisEncoder()) as opened:
        panels = opened.browse(k=100)
        read = opened.vector_store.read_regions(np.array([p.vector_row for p in panels])).reshape(12, 4, DIMENSION)
        x, y, w, h = panel_boxes(4, (200, 300))[1]
        assert panels[1].box.as_list() == [x, y, w, h]
    np.testing.assert_allclose(np.linalg.norm(read, axis=2), 1, atol=1e-5)
    with PanelIndex.open(build_without(built), encoder=QuarterEncoder()) as opened:
        assert [p.vector_row for p in opened.browse(k=100)] == [p.vector_row for p in panels]
        exact = opened.vector_store.read_regions(np.array([p.vector_row for p in panels])).reshape(12, 4, DIMENSION)
    cosines = (read * exact).sum(axis=2)
    assert cosines.min() > 0.999
    assert cosines.max() < 1  # the numbers are rounded: this is not the float16 copy


def build_without(built: Path) -> Path:
    """Return an index of the same comics by the encoder without a basis."""
    with Catalog.open(catalog_url(built)) as catalog:
        sources = catalog.library.sources()
    build(sources[0], built.with_name("float16.index"), QuarterEncoder())
    return built.with_name("float16.index")


def test_coordinates_are_stable() -> None:
    """Decoded and encoded again, one by one or together, coordinates stay what they are; zeros stay zeros."""
    basis = turned()
    vectors = unit(np.random.default_rng(1).normal(size=(500, DIMENSION)).astype(np.float32))
    vectors[7] = 0
    first = to_coordinates(vectors, basis)
    assert (np.abs(first).max(axis=1) == np.where(vectors.any(axis=1), 127, 0)).all()
    decoded = from_coordinates(first.astype(np.float32), basis)
    np.testing.assert_array_equal(to_coordinates(decoded, basis), first)
    np.testing.assert_array_equal(np.concatenate([to_coordinates(v[None], basis) for v in vectors]), first)


def test_stored_regions_are_written_again_to_the_bit(tmp_path: Path) -> None:
    """`append` stores vectors from `read_stored` as the same bytes, `copy` copies them, and checksums agree."""
    regions = unit(np.random.default_rng(2).normal(size=(7, 4, DIMENSION)).astype(np.float32))
    rows = regions[:, 0]
    vectors = VectorStore(tmp_path, shard_rows=5, regions=4, basis=write_basis(tmp_path, turned()))
    sums = vectors.append(0, PanelEmbeddings(rows, rows, rows, np.zeros((7, 3), np.float32), regions))
    again = vectors.read_stored(REGIONS, vectors.region_rows(np.arange(7))).reshape(7, 4, DIMENSION)
    assert vectors.append(7, PanelEmbeddings(rows, rows, rows, np.zeros((7, 3), np.float32), again)) == sums
    vectors.copy(14, np.array([6, 0, 3]))
    assert not vectors.damaged(np.arange(14), [*sums, *sums]).any()
    assert not vectors.damaged(np.array([14, 15, 16]), [sums[6], sums[0], sums[3]]).any()
    assert vectors.rows() == 17
    vectors.punch(np.array([1, 2]))
    assert not vectors.read_regions(np.array([1, 2])).any()
    assert vectors.damaged(np.arange(4), sums[:4]).all(axis=1).tolist() == [False, True, True, False]
    vectors.truncate(4)
    assert (vectors.rows(), sum(path.stat().st_size for path in tmp_path.glob("regions-*.i8"))) == (4, 16 * WIDTH)
    vectors.pad(9)
    assert vectors.rows() == 9


def test_scores_are_those_of_the_vectors(built: Path) -> None:
    """Scores computed in coordinates equal plain NumPy over the decoded vectors, for any query."""
    vectors = store(built)
    rows = np.arange(12)
    queries = unit(np.random.default_rng(4).normal(size=(5, DIMENSION)).astype(np.float32))
    panels = np.concatenate([vectors.read("picture", rows)[:, None], vectors.read_regions(rows).reshape(12, 4, -1)], 1)
    expected = np.einsum("qd,nvd->qnv", queries, panels).max(axis=2)
    np.testing.assert_allclose(all_scores(vectors, View.PICTURE, rows, queries), expected, atol=2e-6)


def test_a_crop_finds_its_panel(built: Path) -> None:
    x, y, w, h = panel_boxes(4, (200, 300))[2]
    quarter = draw_page(1, 4, (200, 300)).crop((x, y, x + w // 2, y + h // 2))
    with PanelIndex.open(built, encoder=BasisEncoder()) as opened:
        best = opened.search(image=quarter, k=1)[0]
        exact = opened.search(image=quarter, k=1, exact=True)[0]
    assert (best.panel.page_path.endswith("1.png"), best.panel.number) == (True, 3)
    assert best.score > 0.98
    assert exact.score == pytest.approx(best.score, abs=1e-6)


# --------------------------------------------------------------------- computing a basis


def test_principal_directions_keep_what_vectors_have_in_common() -> None:
    """Vectors in a space of 30 dimensions lose nothing but their rounding, from any number of blocks."""
    rng = np.random.default_rng(8)
    space = np.linalg.qr(rng.normal(size=(512, 30)))[0].T
    vectors = ((rng.normal(size=(900, 30)) + 2 * np.eye(30)[0]) @ space).astype(np.float32)
    basis = principal_directions([vectors[:600]], 40)
    np.testing.assert_allclose(basis @ basis.T, np.eye(40), atol=1e-5)
    cosines = kept_cosines([vectors[600:800], vectors[800:], np.zeros((3, 512), np.float32)], basis)
    assert len(cosines) == 300
    assert cosines.min() > 0.999
    blocks = principal_directions([vectors[:100], vectors[100:600]], 30)
    np.testing.assert_allclose(blocks.T @ blocks, basis[:30].T @ basis[:30], atol=1e-5)
    assert kept_cosines([vectors[600:]], basis[:10]).mean() < 0.9


def test_the_mean_is_a_direction() -> None:
    """Vectors around one direction keep it, although they do not vary along it."""
    mean = np.eye(512, dtype=np.float32)[5]
    noise = 0.1 * np.random.default_rng(9).normal(size=(400, 512)).astype(np.float32)
    noise[:, 5] = 0
    basis = principal_directions([mean + noise], 1)
    assert abs(basis[0, 5]) > 0.99


# -------------------------------------------------------------------------- damage


@pytest.mark.parametrize("damage", [flip, remove, cut])
def test_a_damaged_basis_is_named_and_repaired(built: Path, damage: Any) -> None:
    """The index is refused, `verify` names the file, and a repair restores it."""
    before = (built / "vectors" / FILE).read_bytes()
    damage(built)
    with pytest.raises(IndexDamaged, match=r"regions\.basis\.f32: the basis .*\nrun `panelseek verify --repair`"):
        PanelIndex.open(built, encoder=BasisEncoder())
    (problem,) = verify_index(built, encoder=BasisEncoder()).problems
    assert (problem.part, problem.derived, problem.path) == ("region basis", True, str(built / "vectors" / FILE))
    report = repair_index(built, encoder=BasisEncoder())
    assert "basis of the region vectors" in report.rebuilt
    assert report.encoded_again == ()
    assert (built / "vectors" / FILE).read_bytes() == before
    assert verify_index(built, encoder=BasisEncoder(), sample=None).problems == ()


@pytest.mark.parametrize("damage", [flip, remove, cut])
def test_a_build_restores_the_basis(built: Path, lib: Path, damage: Any) -> None:
    """Also one that has no page to read."""
    before = (built / "vectors" / FILE).read_bytes()
    damage(built)
    assert build(lib, built).pages_unchanged == 3
    assert (built / "vectors" / FILE).read_bytes() == before


def test_another_basis_does_not_replace_a_damaged_one(built: Path, lib: Path) -> None:
    """Coordinates on one basis mean nothing on another: build and repair refuse it, and say what to do."""
    remove(built)
    other = BasisEncoder()
    other.region_basis = turned(9)
    message = "is missing or unreadable .*, and the encoder grid does not have the same one\nrestore it from a copy"
    for attempt in (lambda: build(lib, built, other), lambda: repair_index(built, encoder=other)):
        with pytest.raises(IndexDamaged, match=message):
            attempt()
    assert not (built / "vectors" / FILE).exists()


def test_an_encoder_that_lost_its_basis_still_searches_and_builds(built: Path, lib: Path) -> None:
    """The index has a copy of its own."""
    page(lib / "book" / "7", 7, ["rain", "", "", ""])
    assert build(lib, built, QuarterEncoder()).pages_new == 1
    assert verify_index(built, encoder=QuarterEncoder()).problems == ()
    assert (built / "vectors" / "regions-00000.i8").stat().st_size == 16 * 4 * WIDTH


# ------------------------------------------------------------------- which index has one


def test_an_index_without_a_basis_keeps_float16(lib: Path, index: Path) -> None:
    """Also one of the schema before, and also if its encoder has a basis now."""
    page(lib / "book" / "1", 1, ["rain", "", "", ""])
    build(lib, index, QuarterEncoder())
    with CatalogWriter.open(catalog_url(index)) as catalog:
        assert catalog.settings().region_basis is None
        catalog.write_settings(schema_version=OLDEST_SCHEMA)
    page(lib / "book" / "2", 2, ["rain", "", "", ""])
    build(lib, index, BasisEncoder())
    assert (index / "vectors" / "regions-00000.f16").stat().st_size == 8 * 4 * 1024
    assert not (index / "vectors" / FILE).exists()
    assert verify_index(index, encoder=BasisEncoder()).problems == ()


class Stopped(BasisEncoder):
    """An encoder whose build is stopped at its first batch."""

    def encode(self, *_: Any, **__: Any) -> PanelEmbeddings:
        raise KeyboardInterrupt


def test_a_first_build_that_was_stopped_decides_nothing(lib: Path, index: Path) -> None:
    """The next build takes another encoder, with or without a basis."""
    page(lib / "book" / "1", 1, ["rain", "", "", ""])
    for encoder, name in ((QuarterEncoder(), "regions-00000.f16"), (BasisEncoder(), "regions-00000.i8")):
        with pytest.raises(KeyboardInterrupt):
            build(lib, index, Stopped())
        build(lib, index, encoder)
        assert (index / "vectors" / name).exists()
        assert len(list((index / "vectors").glob("regions-*"))) == 1
        index = index.with_name("second.index")


def test_the_basis_is_on_disk_before_the_catalog_names_it(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(lib / "book" / "1", 1, ["rain", "", "", ""])
    written, seen = CatalogWriter.write_settings, []

    def write_settings(self: CatalogWriter, **changes: Any) -> None:
        if changes.get("region_basis") is not None:
            content = np.fromfile(index / "vectors" / FILE, "<f4").reshape(-1, DIMENSION)
            seen.append(basis_record(content) == changes["region_basis"])
        written(self, **changes)

    monkeypatch.setattr(CatalogWriter, "write_settings", write_settings)
    build(lib, index)
    assert seen == [True]
