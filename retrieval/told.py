"""How long work tells how far it is: by calling what it was given, which may raise to stop it."""

from __future__ import annotations

from collections.abc import Callable

Told = Callable[[str, int, int], None]
"""Hears what is being done, and how many of how many (0: unknown) are; what it raises stops the work."""


def nobody(doing: str, done: int, total: int) -> None:
    """Told by default: nobody listens."""
