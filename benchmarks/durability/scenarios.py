"""Commands whose writes are recorded or made to fail: a tiny library, what runs, what follows, what must be true."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.durability.rounds import Place, problems
from benchmarks.durability.shim import mark
from index_builder import remove_source, repair_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex
from retrieval.errors import PanelseekError
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from retrieval.overview.rejected_pairs import RejectedPairs
from tests.building.library import page, put, speckled
from tests.conftest import GridEncoder

PAIR = (1, 3)


@dataclass(frozen=True)
class Scenario:
    """A command. prepare: what was there before it. act: the command. again: the command that follows.

    sources: names of the sources that the index has in the end.
    """

    prepare: Callable[[Place], None]
    act: Callable[[Place], Any]
    again: Callable[[Place, GridEncoder], None]
    sources: tuple[str, ...] = ("comics", "more")

    def place(self, folder: Path) -> Place:
        """Return the folder of the scenario, with batches of two pages."""
        return Place(folder, pictures=self.act is _build_pictures, batch=8)

    def clean(self, place: Place) -> Path:
        """Build an index that nothing disturbed, of the comics as they are."""
        clean = place.folder.parent / "clean.index"
        shutil.rmtree(clean, ignore_errors=True)
        place.build([place.folder / name for name in self.sources], GridEncoder(), clean)
        return clean

    def problems(self, place: Place, clean: Path, marks: list[str]) -> list[str]:
        """Run the next command; return the faults that are left. marks: labels that the stopped command recorded."""
        found = self._promises(place, marks)
        encoder = GridEncoder()
        self.again(place, encoder)
        landed = sum(int(m.split()[1]) for m in marks if m.startswith("landed"))
        needed = sum(int(m.split()[1]) for m in marks if m.startswith("needed"))
        if encoder.encoded > max(needed - landed, 0):
            found.append(f"{encoder.encoded} panels encoded; {landed} of {needed} had been written and synced")
        return found + problems(place, clean)

    def _promises(self, place: Place, marks: list[str]) -> list[str]:
        """Check what a command that had returned promised, before anything mends the index."""
        found = []
        if "rejected" in marks and PAIR not in RejectedPairs(place.index).pairs():
            found.append("lost: a rejected pair")
        if "removed" in marks and str(place.folder / "more") in _sources(place):
            found.append("wrong: a removed source is back")
        return found


def _sources(place: Place) -> list[str]:
    with PanelIndex.open(place.index) as index:
        return list(index.info()["sources"])


# ------------------------------------------------------------------ the library


def _draw(place: Place) -> None:
    for n in range(2):
        page(place.folder / "comics" / "latest" / str(n), n, [f"word{n} here", "", "", ""])
    page(place.folder / "comics" / "book" / "0", 5, ["word5 here", "", "", ""])
    page(place.folder / "more" / "other" / "0", 7, ["word7 there", "", "", ""])


def _draw_and_build(place: Place) -> None:
    _draw(place)
    place.build(encoder=GridEncoder())


def _draw_build_and_change(place: Place) -> None:
    _draw_and_build(place)
    comics = place.folder / "comics"
    (comics / "latest").rename(comics / "2026-11")
    page(comics / "latest" / "0", 20, ["drawn again", "", "", ""])
    page(comics / "book" / "0", 21, ["word21 here", "", "", ""])
    page(comics / "book" / "1", 22, ["word22 here", "", "", ""])


def _leave_unnamed_rows(place: Place) -> None:
    _draw_build_and_change(place)
    place.build(encoder=GridEncoder())


def _draw_pictures(place: Place) -> None:
    for n in range(258):
        put(place.folder / "comics" / f"{n:03}.png", speckled(n))


# ----------------------------------------------------------------- the commands


def _build(place: Place) -> Any:
    real = CatalogWriter.write_pages

    def marking(self: CatalogWriter, pages: Any) -> Any:
        freed = real(self, pages)
        mark(f"landed {sum(len(page.panels) for page in pages)}")
        return freed

    CatalogWriter.write_pages = marking  # type: ignore[method-assign]
    try:
        return place.build(encoder=GridEncoder())
    finally:
        CatalogWriter.write_pages = real  # type: ignore[method-assign]


def _build_pictures(place: Place) -> Any:
    return _build(place)


def _remove(place: Place) -> None:
    remove_source(place.folder / "more", place.index)
    mark("removed")


def _repair(place: Place) -> None:
    repair_index(place.index)


def _derive(place: Place) -> None:
    with PanelIndex.open(place.index, encoder=GridEncoder()) as index:
        load_lookalikes(index) or make_lookalikes(index)
    RejectedPairs(place.index).add(PAIR[0], [PAIR[1]])
    mark("rejected")


def _build_again(place: Place, encoder: GridEncoder) -> None:
    place.build(encoder=encoder)


def _remove_again(place: Place, encoder: GridEncoder) -> None:
    if str(place.folder / "more") in _sources(place):
        remove_source(place.folder / "more", place.index)
    else:
        place.build([place.folder / "comics"], encoder)


def _repair_again(place: Place, _: GridEncoder) -> None:
    repair_index(place.index)


def _derive_again(place: Place, _: GridEncoder) -> None:
    _derive(place)
    with PanelIndex.open(place.index) as index:
        assert load_lookalikes(index) is not None


SCENARIOS = {
    "first build": Scenario(_draw, _build, _build_again),
    "later build": Scenario(_draw_build_and_change, _build, _build_again),
    "remove": Scenario(_draw_and_build, _remove, _remove_again, ("comics",)),
    "verify --repair": Scenario(_leave_unnamed_rows, _repair, _repair_again),
    "lookalikes, rejected pair": Scenario(_draw_and_build, _derive, _derive_again),
    "first build, IVF-PQ": Scenario(_draw_pictures, _build_pictures, _build_again, ("comics",)),
}


def sentence(error: BaseException) -> str:
    """Return the fault of an error that a user sees; "" for a sentence with a path and a hint."""
    if not isinstance(error, PanelseekError):
        return f"no sentence: {type(error).__name__}: {error}"
    if error.path is None or not error.hint:
        return f"no path or no hint: {error!r}"
    return ""
