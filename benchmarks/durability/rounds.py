"""A small library that changes, an index of it, and the comparison with an index that nothing disturbed."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from index_builder import remove_source, repair_index, watch_sources
from index_builder.write import encode
from retrieval import Panel, PanelIndex, View, verify_index
from retrieval.errors import PanelseekError
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from retrieval.overview.panel_map import load_panel_map, make_panel_map
from retrieval.overview.rejected_pairs import RejectedPairs
from retrieval.store.thumbnails import Thumbnails
from tests.building.library import answers, build, by_place, content, page, put, speckled
from tests.conftest import GridEncoder

BATCH = 8
IN_FLIGHT = BATCH + 3
"""Panels of the batch in flight: whole pages of four are added until it is full."""

_MISSING = 9  # the column of `content`
WORDS = ["here", "word7", "drawn again"]


class SlowEncoder(GridEncoder):
    """Takes a moment, as real encoders do."""

    def encode(self, panels: Any, **more: Any) -> Any:
        """Encode as `GridEncoder` does."""
        time.sleep(0.002 * len(panels))
        return super().encode(panels, **more)


@dataclass(frozen=True)
class Place:
    """The folder of one round: two sources, their index, and the log of encoded panels."""

    folder: Path
    pictures: bool = False
    batch: int = BATCH

    @property
    def sources(self) -> list[Path]:
        """The sources that exist."""
        return [path for path in (self.folder / "comics", self.folder / "more") if path.exists()]

    @property
    def index(self) -> Path:
        """The index."""
        return self.folder / "my.index"

    @property
    def log(self) -> Path:
        """The file with one line for each encoded panel."""
        return self.folder / "encoded.log"

    @property
    def options(self) -> dict[str, Any]:
        """The options of builds: pictures are panels, and have an IVF-PQ index."""
        return {"page_is_panel": True, "index_kind": "ivfpq"} if self.pictures else {}

    def build(self, sources: list[Path] | None = None, encoder: Any = None, index: Path | None = None) -> Any:
        """Build the index in small batches."""
        encode._PANELS_PER_COMMIT = self.batch
        encoder = encoder or GridEncoder(self.log)
        return build(sources or self.sources, index or self.index, encoder, batch_size=self.batch, **self.options)

    def encoded(self) -> int:
        """Return the number of panels encoded by all builds so far."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def draw(place: Place) -> None:
    """Draw the library: two sources of books, or single pictures."""
    if place.pictures:
        for n in range(290):
            put(place.folder / "comics" / f"{n:03}.png", speckled(n))
        return
    for n in range(8):
        page(place.folder / "comics" / f"book {n % 4}" / str(n), n, [f"word{n} here", "", f"page {n}", ""])
    for n in range(8, 12):
        page(place.folder / "more" / f"book {n % 2}" / str(n), n, [f"word{n} there", "", "", ""])


def change(place: Place, dice: random.Random) -> None:
    """Draw some pages again, delete one, add some, and rename a book: in another way each time."""
    seed = dice.randrange(1000, 10**6)
    if place.pictures:
        for n in range(dice.randrange(3, 40)):
            put(place.folder / "comics" / f"new {seed} {n}.png", speckled(seed + n))
        (place.folder / "comics" / f"{dice.randrange(290):03}.png").unlink()
        return
    comics = place.folder / "comics"
    for n in dice.sample(range(8), 3):
        page(comics / f"book {n % 4}" / str(n), seed + n, ["drawn again", "", "", f"word{n}"])
    for n in range(dice.randrange(1, 6)):
        page(comics / "new book" / str(n), seed + 100 + n, [f"new word{n} here", "", "", ""])
    for path in list((comics / f"book {dice.randrange(4)}").glob("*"))[:2]:
        path.unlink()
    (comics / "book 2").rename(comics / f"renamed {seed}")
    if dice.random() < 0.5:
        page(comics / "book 2" / "0", seed + 200, ["refilled", "", "", ""])


# ---------------------------------------------------------------------- actions


def act_build(place: Place) -> None:
    """Build all sources."""
    place.build(encoder=SlowEncoder(place.log))


def act_remove(place: Place) -> None:
    """Remove the second source."""
    remove_source(place.folder / "more", place.index)


def act_repair(place: Place) -> None:
    """Repair the index."""
    repair_index(place.index)


def act_map(place: Place) -> None:
    """Make the map."""
    with PanelIndex.open(place.index, encoder=GridEncoder()) as index:
        load_panel_map(index) or make_panel_map(index)


def act_lookalikes(place: Place) -> None:
    """Scan for look-alikes, and reject a pair."""
    with PanelIndex.open(place.index, encoder=GridEncoder()) as index:
        load_lookalikes(index) or make_lookalikes(index)
    RejectedPairs(place.index).add(1, [2, 3])


def act_watch(place: Place) -> None:
    """Watch the sources, which change while it runs; stop once that is built."""
    stop, built = Event(), []

    def later() -> None:
        while not built:
            time.sleep(0.01)
        change(place, random.Random(len(place.sources)))

    def count(event: Any) -> None:
        built.append(event.event == "built")
        if sum(built) == 2:
            stop.set()

    encode._PANELS_PER_COMMIT = BATCH
    Thread(target=later, daemon=True).start()
    options = {"workers": 0, "ocr": False, "batch_size": BATCH, **place.options}
    watch_sources(
        place.sources, place.index, on_event=count, debounce=0.1, stop=stop, encoder=SlowEncoder(place.log), **options
    )


@dataclass(frozen=True)
class Action:
    """A command to stop. built: the index is there before. changed: the comics have changed since.

    again: the command that follows; None for the same one.
    """

    run: Callable[[Place], None]
    built: bool = True
    changed: bool = False
    pictures: bool = False
    again: Callable[[Place], None] | None = None


ACTIONS = {
    "first build": Action(act_build, built=False),
    "build": Action(act_build, changed=True),
    "first build, IVF-PQ": Action(act_build, built=False, pictures=True),
    "build, IVF-PQ": Action(act_build, changed=True, pictures=True),
    "watch": Action(act_watch, again=act_build),
    "remove": Action(act_remove, again=act_build),
    "verify --repair": Action(act_repair),
    "verify --repair, then build": Action(act_repair, changed=True, again=act_build),
    "map": Action(act_map),
    "lookalikes": Action(act_lookalikes),
}


def finish(name: str, place: Place) -> None:
    """Run the command that follows a stopped one, to its end."""
    action = ACTIONS[name]
    if action.run is act_remove:
        with PanelIndex.open(place.index) as index:
            removed = str(place.folder / "more") not in index.info()["sources"]
        shutil.rmtree(place.folder / "more", ignore_errors=True)  # the comparison is with what is left
        return place.build() if removed else act_remove(place)
    if action.again is act_build:
        return place.build()
    if action.run is act_build:
        return place.build()
    return action.run(place)


# ------------------------------------------------------------------- comparison


def _not_encoded_again(index: PanelIndex, panels: list[Panel]) -> list[Panel]:
    """Return those panels that have the vectors of the searched generation: the stopped command may have replaced some.

    Others are left out of answers until their generation is searched.
    """
    view = index.generation.views[View.PICTURE]
    rows = dict(zip(view.ids.tolist(), view.rows.tolist(), strict=True))
    return [panel for panel in panels if rows.get(panel.id) == panel.vector_row]


def reading_problem(place: Place) -> str:
    """Open and search the index as it was left; return the fault if it neither answers nor is refused with a hint."""
    try:
        with PanelIndex.open(place.index, encoder=GridEncoder()) as index:
            panels = _not_encoded_again(index, index.browse(k=3))
            hits = [index.search(panel=panel.id, k=1)[0] for panel in panels]
            wrong = [hit for panel, hit in zip(panels, hits, strict=True) if hit.score < 0.99]
            return f"a panel does not find itself: {wrong}" if wrong else ""
    except PanelseekError:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def problems(place: Place, clean: Path, *, words: bool = True) -> list[str]:
    """Compare the index with a clean one of the same comics; return the faults: lost or wrong."""
    found: list[str] = []
    mine = [row for row in content(place.index) if not row[_MISSING]]
    other = [row for row in content(clean) if not row[_MISSING]]
    keys = {row[:5] + row[10:11] for row in mine}
    lost = [row[:5] for row in other if row[:5] + row[10:11] not in keys]
    if lost:
        found.append(f"lost: {len(lost)} panels, such as {lost[0]}")
    elif mine != other:
        found.append(f"wrong: {sum(a != b for a, b in zip(mine, other, strict=False))} rows differ")
    elif words and answers(place.index, WORDS) != answers(clean, WORDS):
        found.append("wrong: other answers")
    found += [f"wrong: the thumbnail of {place}" for place in wrong_thumbnails(place.index, clean)]
    report = verify_index(place.index, sample=8, encoder=GridEncoder())
    found += [f"wrong: verify: {p.part}: {p.found}" for p in report.problems]
    return found


def wrong_thumbnails(index: Path, clean: Path) -> list[tuple[str, int]]:
    """Return (page path, number) of panels with the thumbnail of another; a missing one can be made again."""
    mine, other = _thumbnails(index), _thumbnails(clean)
    return [place for place, webp in mine.items() if other.get(place, webp) != webp]


def _thumbnails(index: Path) -> dict[tuple[str, int], bytes]:
    panels, stored = by_place(index), Thumbnails(index)
    found = {place: stored.get(panel.vector_row) for place, panel in panels.items()}
    return {place: webp for place, webp in found.items() if webp is not None}
