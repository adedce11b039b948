"""Background images in CSS: the rules that have one, and the elements that they may apply to.

A selector is compared part by part: the last one with an element, the others with all elements of the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->|<!\[CDATA\[|\]\]>", re.DOTALL)
_RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")
_DECLARATION = re.compile(r"(?:^|;)\s*(?:background|background-image|content)\s*:([^;]*)", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)'"\s]*))\s*\)""", re.IGNORECASE)
_IMPORT = re.compile(r"""@import\s+(?:url\(\s*)?["']?([^"')\s;]+)""", re.IGNORECASE)
_COMBINATOR = re.compile(r"\s*[>+~]\s*|\s+")
_PSEUDO_OR_ATTRIBUTE = re.compile(r"::?[\w-]+(?:\([^)]*\))?|\[[^\]]*\]")
_SIMPLE = re.compile(r"([#.]?)((?:[\w-]|[^\x00-\x7f])+)")


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a page, as selectors see it."""

    tag: str
    id: str
    classes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Compound:
    """One part of a selector, such as `div#page.left`; "" matches any tag or id."""

    tag: str
    id: str
    classes: frozenset[str]

    def matches(self, element: Element) -> bool:
        """Return True if the element has this tag, id and classes."""
        return self.tag in ("", "*", element.tag) and self.id in ("", element.id) and self.classes <= element.classes


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with background images. selectors: lists of compounds, the element's own last."""

    selectors: tuple[tuple[_Compound, ...], ...]
    urls: tuple[str, ...]

    def may_apply(self, elements: Sequence[Element]) -> bool:
        """Return True if a page has elements for all parts of a selector."""
        return any(
            all(any(compound.matches(element) for element in elements) for compound in selector)
            for selector in self.selectors
        )

    def matches(self, element: Element) -> bool:
        """Return True if the rule is about this element; `may_apply` looks at those around it."""
        return any(selector[-1].matches(element) for selector in self.selectors)


@dataclass(frozen=True, slots=True)
class StyleSheet:
    """The rules with background images of one style sheet, and the sheets it imports.

    document: the file that references are relative to.
    """

    document: str
    rules: tuple[Rule, ...]
    imports: tuple[str, ...]


def parse_style_sheet(text: str, document: str) -> StyleSheet:
    """Return the rules with background images of a style sheet, also those in `@media`."""
    text = _COMMENT.sub(" ", text)
    rules = []
    for prelude, body in _RULE.findall(text):
        urls = background_urls(body)
        if urls and not prelude.strip().startswith("@"):
            rules.append(Rule(tuple(_selector(part) for part in prelude.split(",") if part.strip()), tuple(urls)))
    return StyleSheet(document, tuple(rules), tuple(_IMPORT.findall(text)))


def background_urls(declarations: str) -> list[str]:
    """Return the images that declarations show, in their order; `data:` images are left out."""
    values = " ".join(_DECLARATION.findall(declarations))
    urls = (quoted or single or plain for quoted, single, plain in _URL.findall(values))
    return [url.strip() for url in urls if url.strip() and not url.strip().startswith("data:")]


def _selector(text: str) -> tuple[_Compound, ...]:
    parts = _COMBINATOR.split(_PSEUDO_OR_ATTRIBUTE.sub("", text).strip())
    return tuple(_compound(part) for part in parts)


def _compound(text: str) -> _Compound:
    names = _SIMPLE.findall(text)
    tag = next((name.lower() for sign, name in names if not sign), "")
    own_id = next((name for sign, name in names if sign == "#"), "")
    return _Compound(tag, own_id, frozenset(name for sign, name in names if sign == "."))
