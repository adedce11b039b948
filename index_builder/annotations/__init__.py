"""Annotations of pages and metadata of books, read from one family of formats per module.

`registry` recognises a file's format by its content. Each page becomes one record (`records`), which is scaled to the
page's image (`rescale`) and merged with what other files hold for the same page (`merge`).
"""

from __future__ import annotations

from index_builder.annotations.merge import merge, parse_page, read_annotation, texts_of_panels
from index_builder.annotations.records import AnnotatedPanel, PageAnnotation, RawAnnotation, TextBlock

__all__ = [
    "AnnotatedPanel",
    "PageAnnotation",
    "RawAnnotation",
    "TextBlock",
    "merge",
    "parse_page",
    "read_annotation",
    "texts_of_panels",
]
