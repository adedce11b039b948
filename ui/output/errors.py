"""Errors as sentences: the one place where problem, path and hint are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.errors import PanelseekError

_ENDS = (".", "!", "?")


def error_sentence(error: PanelseekError, *, with_path: bool = True) -> str:
    """Return an error as text for a person: `PATH: problem. Hint.`; without a path, `Problem. Hint.`."""
    problem = _ended(error.problem)
    first = f"{error.path}: {problem}" if with_path and error.path else as_sentence(problem)
    return f"{first} {as_sentence(error.hint)}" if error.hint else first


def as_sentence(text: str) -> str:
    """Return text with a capital letter first and a full stop last."""
    text = text.strip()
    return _ended(text[:1].upper() + text[1:])


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith(_ENDS) else f"{text}."
