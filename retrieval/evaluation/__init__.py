"""How good retrieval is on an index, and how that was measured.

from retrieval.evaluation import Settings, evaluate
report = evaluate("my.index", Settings(sample=100))

Copies (the same panel met again), dialogue (its words, remembered well or badly) and neighbours (what lies near an
indexed panel), for the search as it answers by default, for exact search, and for simpler methods beside it.
docs/evaluation.md says what each figure means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.evaluation.records import Collapse, Detection, Found, Near, Progress, Report, Settings
    from retrieval.evaluation.run import evaluate

__all__ = ["Collapse", "Detection", "Found", "Near", "Progress", "Report", "Settings", "evaluate"]


def __getattr__(name: str) -> Any:
    """Public names load when they are used: the kinds of copies alone need neither catalog nor FAISS."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{'run' if name == 'evaluate' else 'records'}"), name)
