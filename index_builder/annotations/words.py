"""Blocks of words -> the panels that say them: given and read ones alike."""

from index_builder.dialogue.sharing import give_to_panels

__all__ = ["give_to_panels"]
