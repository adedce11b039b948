"""Finding a panel by part of what it says: by vectors alone, by words alone, and fused with several weights.

    python benchmarks/word_search.py INDEX [--every 3]

Asks an index with dialogue for its own panels: with five consecutive words, with two fifths of the words left
out, and with misread letters. R@1 counts panels that say exactly the same as right.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

import retrieval.search as search
from retrieval import Panel, PanelIndex, Query
from retrieval.words import tokens

MISREAD = {"o": "0", "l": "1", "e": "c", "m": "rn", "u": "v", "h": "b"}


def five_words(words: list[str], rng: random.Random) -> str:
    start = rng.randrange(len(words) - 4)
    return " ".join(words[start : start + 5])


def half_remembered(words: list[str], rng: random.Random) -> str:
    kept = sorted(rng.sample(range(len(words)), max(2, round(0.6 * len(words)))))
    return " ".join(words[i] for i in kept)


def misread(words: list[str], rng: random.Random) -> str:
    return " ".join("".join(MISREAD.get(c, c) if rng.random() < 0.2 else c for c in w.lower()) for w in words)


def recall(index: PanelIndex, panels: list[Panel], ask: Callable[[list[str], random.Random], str]) -> float:
    """Share of panels found first; the same questions whenever it is called."""
    rng = random.Random(1)
    queries = [Query(text=ask(p.dialogue.split(), rng), k=1) for p in panels]
    found = [hits[0].panel if hits else None for hits in index.search_many(queries)]
    right = [f is not None and tokens(f.dialogue) == tokens(p.dialogue) for f, p in zip(found, panels, strict=True)]
    return sum(right) / len(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--every", type=int, default=3, help="ask for every so many panels")
    asked = parser.parse_args()
    kinds = {"five words": five_words, "half remembered": half_remembered, "misread": misread}
    with PanelIndex.open(asked.index) as index:
        told = [p for p in index.browse(k=10**9) if len(p.dialogue.split()) >= 7][:: asked.every]
        print(f"{len(told)} panels; R@1    " + "  ".join(f"{kind:>15}" for kind in kinds))
        for weight in (0.0, 0.5, 1.0, 2.0, 3.0, 1000.0):
            search.WORDS_WEIGHT = weight
            row = "  ".join(f"{recall(index, told, ask):15.3f}" for ask in kinds.values())
            print(f"weight of words {weight:7g}  {row}")


if __name__ == "__main__":
    main()
