"""Files that say what is on a page, and what is known about a book: one module for each family of formats.

What a file is, its content says (`registry`). Whatever it says about a page becomes one record (`records`), is laid
over the page's picture (`fitting`) and put together with what other files say (`reading`).
"""

from __future__ import annotations

from index_builder.annotations.merge import merged, read_annotation, words_of_panels, written_page
from index_builder.annotations.records import AnnotatedPanel, PageAnnotation, TextBlock, Written

__all__ = [
    "AnnotatedPanel",
    "PageAnnotation",
    "TextBlock",
    "Written",
    "merged",
    "read_annotation",
    "words_of_panels",
    "written_page",
]
