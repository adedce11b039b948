"""XML parser for damaged and hostile files."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from retrieval.books.formats.xml.encodings import declared_encoding, decode_text, is_unicode
from retrieval.books.formats.xml.repair import repair_xml
from retrieval.errors import SourceError

_MAX_REPAIRED = 16 * 2**20
"""Bytes of the longest file that is repaired; metadata files are far shorter."""

_DAMAGE = (ParseError, ValueError, LookupError, RecursionError)


def parse_xml(data: bytes, path: str | Path | None = None) -> Element:
    """Return the root element; slips that can be repaired with certainty are.

    Raises SourceError about `path` if it is no XML or declares entities.
    """
    try:
        return _parse(data)
    except DefusedXmlException as error:
        raise SourceError("declares entities, which may be a bomb; they are not read", path) from error
    except _DAMAGE as error:
        raise SourceError(f"damaged XML: {error}", path) from error


def _parse(data: bytes) -> Element:
    """Return the root element of a file as it is, else of its repaired text."""
    try:
        if is_unicode(declared_encoding(data)):
            return _root(data)
        return _root(decode_text(data))
    except DefusedXmlException:  # also a ValueError
        raise
    except _DAMAGE as error:
        if len(data) > _MAX_REPAIRED:
            raise
        problem = error
    try:
        return _root(repair_xml(decode_text(data)))
    except DefusedXmlException:
        raise
    except _DAMAGE as error:
        raise problem from error  # its line and column are those of the file


def _root(data: bytes | str) -> Element:
    root: Element = fromstring(data)
    return root


def local_name(tag: object) -> str:
    """Return a tag or attribute name without its namespace; "" for a comment."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def descendants(element: Element, name: str) -> list[Element]:
    """Return all elements of a name below `element` in document order, in any namespace."""
    return [item for item in element.iter() if local_name(item.tag) == name and item is not element]
