"""Blocks of words -> one language of them, and the panels that say them: given and read ones alike."""

from __future__ import annotations

from dataclasses import replace

from index_builder.annotations.records import Written
from index_builder.dialogue.assignment import assign_to_panels

__all__ = ["assign_to_panels", "in_language"]


def in_language(written: Written, language: str) -> Written:
    """A page with its words in one language: the one asked for (a code) where it has words in it, else the first."""
    found = list(dict.fromkeys(block.language for block in written.blocks))
    if len(found) < 2:
        return written
    chosen = next((code for code in found if code.lower().split("-")[0] == language.lower()), found[0])
    return replace(written, blocks=tuple(block for block in written.blocks if block.language == chosen))
