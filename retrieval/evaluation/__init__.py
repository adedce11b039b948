"""Measurement of retrieval quality on an index.

    with PanelIndex.open("my.index") as index:
        report = evaluate(index, Settings(sample=100))

Distortions (queries are altered panels), dialogue (queries are a panel's words) and neighbours (of indexed panels), for
the default search, for exact search, and for simpler baselines. docs/evaluation.md explains each figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.evaluation.records import (
        Detection,
        IndexCollapse,
        NeighbourPurity,
        Report,
        RetrievalScores,
        Settings,
    )
    from retrieval.evaluation.run import evaluate

__all__ = ["Detection", "IndexCollapse", "NeighbourPurity", "Report", "RetrievalScores", "Settings", "evaluate"]


def __getattr__(name: str) -> Any:
    """Load public names when they are used: the distortions alone need neither catalog nor FAISS."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{'run' if name == 'evaluate' else 'records'}"), name)
