"""The map of all panels: positions, storage, small libraries, and cancelling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval import PanelIndex
from retrieval.overview.panel_map import FILE, _neighbours, load_panel_map, make_panel_map
from retrieval.progress import Progress
from tests.conftest import GridEncoder, unit
from tests.searching.synthetic import clustered, library, write_index


@pytest.fixture(scope="module")
def islands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Open an index of 240 panels around six centres far from each other."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(6, 512))
    picture = unit((centres[np.arange(240) % 6] + 0.3 * rng.normal(size=(240, 512))).astype(np.float32))
    folder = write_index(tmp_path_factory.mktemp("map") / "i", library(240, 1), picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_similar_panels_lie_near_each_other(islands: PanelIndex) -> None:
    """The nearest ten of each panel have the same centre; all points are in the unit square."""
    reports: list[Progress] = []
    assert load_panel_map(islands) is None
    found = make_panel_map(islands, reports.append)
    assert found.ids.tolist() == list(range(1, 241))
    assert 0 <= found.points.min() < 0.02
    assert 0.98 < found.points.max() <= 1
    distance = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    near = np.argsort(distance, axis=1)[:, 1:11]
    assert (near % 6 == np.arange(240)[:, None] % 6).mean() > 0.99
    assert reports[-1].stage == "grouping"
    assert ("laying out", 600, 600) in [(r.stage, r.done, r.total) for r in reports]


def test_the_map_is_stored(islands: PanelIndex) -> None:
    """It is stored with the generation; a damaged file counts as none. Groups are numbered from the largest."""
    made = make_panel_map(islands)
    found = load_panel_map(islands)
    assert found is not None
    for name in ("ids", "points", "groups"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    sizes = np.bincount(found.groups)
    assert len(sizes) == 12
    assert sizes.tolist() == sorted(sizes, reverse=True)
    (islands.folder / "generations" / "1" / FILE).write_bytes(b"PK no map")
    assert load_panel_map(islands) is None


def test_making_a_map_can_be_cancelled(islands: PanelIndex) -> None:
    """An exception in the progress callback cancels, also in the middle of the layout."""

    def cancel(progress: Progress) -> None:
        if progress.stage == "laying out" and progress.done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_panel_map(islands, cancel)


@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_small_maps(tmp_path: Path, count: int) -> None:
    """Single panels and duplicates have positions too."""
    picture = clustered(count, 2)
    picture[count // 2 :] = picture[count // 2]
    with PanelIndex.open(write_index(tmp_path / "i", library(count, 1), picture), encoder=GridEncoder()) as index:
        found = make_panel_map(index)
    assert found.points.shape == (count, 2)
    assert np.isfinite(found.points).all()
    assert ((found.points >= 0) & (found.points <= 1)).all()


def test_neighbours_exclude_the_panel_itself() -> None:
    """Distances equal plain NumPy, also for duplicates."""
    rows = clustered(60, 3)[:, :50].copy()
    rows[7] = rows[8]
    places, distances = _neighbours(rows, 9)
    distance = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_allclose(distances, np.sort(distance, axis=1)[:, :9], atol=2e-3)
    assert (places != np.arange(60)[:, None]).all()
