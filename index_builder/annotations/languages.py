"""Choice of one language where a page has its texts in several."""

from __future__ import annotations

from dataclasses import replace

from index_builder.annotations.records import RawAnnotation


def select_language(annotation: RawAnnotation, language: str) -> RawAnnotation:
    """Return the annotation with the text blocks of one language.

    language: the preferred language code. If the page has no text in it, the page's first language is used.
    """
    languages = list(dict.fromkeys(block.language for block in annotation.blocks))
    if len(languages) < 2:
        return annotation
    chosen = next((code for code in languages if code.lower().split("-")[0] == language.lower()), languages[0])
    return replace(annotation, blocks=tuple(block for block in annotation.blocks if block.language == chosen))
