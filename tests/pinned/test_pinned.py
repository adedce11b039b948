"""Pinned behaviour: the stored answers to the pinned questions still hold, for sample and made comics.

Those about real comics are in `tests/whole_way/test_real_comics.py`, which builds them once.

Scores, ranking strengths and other measured numbers may differ by 1e-5. Hits whose stored strengths differ by less
may change places, and the last one may give way to one that ties with it. A few places of a list beyond the first 40
may differ: there, an approximate index is not the same on every processor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pinned import questions, record

TOLERANCE = 1e-5
GATE_TOLERANCE = 1.5e-4  # stored with four digits
DEEP = 40
"""Place in a list of hits from which an approximate index may leave out a panel."""

MOST_DEEP_DIFFERENCES = 3
HERE = Path(__file__).parent

Hits = Sequence[Sequence[Any]]
Recorded = Mapping[str, Mapping[str, Any]]


def stored(name: str) -> Recorded:
    found: Recorded = json.loads((HERE / name).read_text(encoding="utf-8"))
    return found


SAMPLE, REAL = stored("answers-sample.json"), stored("answers-real.json")


def kinds(recorded: Recorded) -> list[tuple[str, str]]:
    """Return (library, kind of question) for all stored answers."""
    return [
        (library, kind)
        for library, parts in recorded.items()
        for kind in dict.fromkeys(questions.kind_of(each) for each in parts["answers"])
    ]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Build sample comics, made library and variants, and ask everything."""
    return record.record_sample(tmp_path_factory.mktemp("pinned"))


@pytest.mark.parametrize("library", SAMPLE)
def test_sample_libraries_hold_what_they_held(sample: Recorded, library: str) -> None:
    """Reports, books, pages, panels and small pictures are the stored ones."""
    check_contents(SAMPLE[library], sample[library])


@pytest.mark.parametrize(("library", "kind"), kinds(SAMPLE))
def test_sample_questions_are_answered_as_before(sample: Recorded, library: str, kind: str) -> None:
    """Every question of a kind gets its stored answer."""
    check_answers(SAMPLE[library]["answers"], sample[library]["answers"], kind)


def test_there_are_enough_questions() -> None:
    """At least 220 questions are pinned for the sample comics and 100 for the real ones."""
    assert len(SAMPLE["sample"]["answers"]) >= 220
    assert len(REAL["real"]["answers"]) >= 100


def test_a_different_answer_is_noticed() -> None:
    """Another score, order, panel, reason or count is a difference; ties may change places."""
    hits = [[1, 0.9, 0.9, "words", "dialogue", []], [2, 0.5, 0.5, "words", "dialogue", []]]
    answer = {"first": 1, "hits": hits}
    tied = [*hits, [3, 0.5, 0.5, "words", "dialogue", []]]
    assert difference(answer, answer) is None
    assert difference({"first": 1, "hits": tied}, {"first": 1, "hits": [tied[0], tied[2], tied[1]]}) is None
    assert difference(answer, {"first": 1, "hits": [tied[0], tied[2]]}) is None
    for other in (
        {"first": 1, "hits": hits[::-1]},
        {"first": 1, "hits": hits[:1]},
        {"first": 2, "hits": hits},
        {"first": 1, "hits": [hits[0], [2, 0.5001, 0.5, *hits[1][3:]]]},
        {"first": 1, "hits": [hits[0], [2, 0.5, 0.5001, *hits[1][3:]]]},
        {"first": 1, "hits": [hits[0], [2, 0.5, 0.5, "both", "dialogue", []]]},
        {"first": 1, "hits": [[5, *hits[0][1:]], hits[1]]},
        {"refused": "question"},
    ):
        assert difference(answer, other) is not None
    deep = [[number, 1 - number / 100, 1 - number / 100, "picture", "picture", []] for number in range(60)]
    extra = [[99, 0.454, 0.454, "picture", "picture", []]]
    assert difference({"first": 1, "hits": deep}, {"first": 1, "hits": [*deep[:55], *extra, *deep[55:59]]}) is None
    shallow = [[99, 0.794, 0.794, "picture", "picture", []]]
    assert difference({"first": 1, "hits": deep}, {"first": 1, "hits": [*deep[:21], *shallow, *deep[21:59]]})
    assert difference({"first": 1, "hits": deep}, {"first": 1, "hits": [*deep[:50], *([*extra[0]] for _ in range(10))]})
    groups = {"exactly": [[0, 3, False], [0, 5, True], [0, 4, True]], "shares": [0.5, 0.4, 0.4]}
    assert (
        difference(groups, {"exactly": [[0, 3, False], [0, 4, True], [0, 5, True]], "shares": [0.5, 0.4, 0.4]}) is None
    )
    assert difference(groups, groups | {"exactly": [[0, 3, False], [0, 5, True], [1, 4, True]]}) is not None
    assert difference(groups, groups | {"shares": [0.5, 0.4, 0.3]}) is not None
    assert difference({"exactly": 3}, {"exactly": 4}) is not None
    assert difference({"numbers": [0.5, None, 3]}, {"numbers": [0.6, None, 3]}) is not None
    assert difference({"numbers": [0.5, None, 3]}, {"numbers": [0.500001, None, 3]}) is None


# --------------------------------------------------------------------- comparing


def check_contents(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    plain = json.loads(json.dumps({name: value for name, value in found.items() if name != "answers"}))
    for name in ("reports", "books", "pages"):
        assert plain[name] == expected[name], name
    assert [panel[:-1] for panel in plain["panels"]] == [panel[:-1] for panel in expected["panels"]]
    for before, now in zip(expected["panels"], plain["panels"], strict=True):
        assert now[-1] == pytest.approx(before[-1], abs=GATE_TOLERANCE), before
    assert [each[:3] for each in plain["thumbnails"]] == [each[:3] for each in expected["thumbnails"]]
    for before, now in zip(expected["thumbnails"], plain["thumbnails"], strict=True):
        assert now == pytest.approx(before, abs=1), before


def check_answers(expected: Mapping[str, Any], found: Mapping[str, Any], kind: str) -> None:
    wanted = [each for each in expected if questions.kind_of(each) == kind]
    assert wanted == [each for each in found if questions.kind_of(each) == kind]
    differences = {each: text for each in wanted if (text := difference(expected[each], found[each])) is not None}
    assert not differences


def difference(expected: Any, found: Any) -> str | None:
    """Return how an answer differs from the stored one, None if it does not."""
    if set(expected) != set(found):
        return f"expected {expected}; found {found}"
    if "batch" in expected:
        pairs = list(zip(expected["batch"], found["batch"], strict=False))
        each = [text for before, now in pairs if (text := difference(before, now)) is not None]
        same = len(expected["batch"]) == len(found["batch"])
        return None if same and not each else f"{len(found['batch'])} answers; {each}"
    if "hits" in expected:
        return _hits_difference(expected, found)
    if "shares" in expected:
        expected, found = _groups_in_order(expected), _groups_in_order(found)
    for name in expected:
        if name in ("numbers", "shares"):
            if not _near(expected[name], found[name], TOLERANCE if name == "numbers" else 2e-3):
                return f"expected {expected[name]}; found {found[name]}"
        elif expected[name] != found[name]:
            return f"expected {expected[name]}; found {found[name]}"
    return None


def _hits_difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    before, now = _without_deep_differences(expected["hits"], found["hits"])
    if expected["first"] != found["first"] or len(before) != len(now):
        return f"expected {len(before)} hits from {expected['first']}; found {len(now)} from {found['first']}"
    known = {hit[0]: hit for hit in before}
    for place, (there, here) in enumerate(zip(before, now, strict=True)):
        same = known.get(here[0])
        if same is None:
            if abs(before[-1][2] - here[2]) >= TOLERANCE:
                return f"panel {here[0]} was not among the hits; expected {there}; found {here}"
        elif here[3:] != same[3:] or not _near(same[1:3], here[1:3], TOLERANCE):
            return f"expected {same}; found {here}"
        elif same is not there and abs(same[2] - there[2]) >= TOLERANCE:
            return f"place {place}: expected {there}; found {here}"
    return None if len({hit[0] for hit in now}) == len(now) else f"a panel was found twice: {now}"


def _groups_in_order(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups of look-alikes with their panels by id: among ties, their order depends on the processor."""
    pairs = sorted(zip(answer["exactly"], answer["shares"], strict=True))
    return {"exactly": [panel for panel, _ in pairs], "shares": [share for _, share in pairs]}


def _without_deep_differences(before: Hits, now: Hits) -> tuple[Hits, Hits]:
    """Leave out the hits of a deep list that only one side has, if they are few.

    An approximate index leaves some out there. Which ones depends on the processor: it rounds FAISS's k-means.
    """
    stored, given = {hit[0] for hit in before}, {hit[0] for hit in now}
    kept_before = [*before[:DEEP], *(hit for hit in before[DEEP:] if hit[0] in given)]
    kept_now = [*now[:DEEP], *(hit for hit in now[DEEP:] if hit[0] in stored)]
    few = max(len(before) - len(kept_before), len(now) - len(kept_now)) <= MOST_DEEP_DIFFERENCES
    return (kept_before, kept_now) if few and len(before) == len(now) else (before, now)


def _near(before: Sequence[Any], now: Sequence[Any], tolerance: float) -> bool:
    """Compare numbers: absolutely up to 1, relatively above, where ranking scores are multiples of float32 scores."""
    return len(before) == len(now) and all(
        a == b if a is None or b is None else abs(a - b) <= tolerance * max(1, abs(a))
        for a, b in zip(before, now, strict=True)
    )
