"""XML from comics, parsed safely: entities are refused and nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from retrieval.errors import SourceError


def parse_xml(data: bytes, path: str | Path | None = None) -> Element:
    """Return the root element. Raises SourceError about `path` if it is no XML or declares entities."""
    try:
        root: Element = fromstring(data)
    except DefusedXmlException as error:
        raise SourceError("declares entities, which may be a bomb; they are not read", path) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise SourceError(f"damaged XML: {error}", path) from error
    return root


def local_name(tag: object) -> str:
    """Return a tag or attribute name without its namespace; "" for a comment."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def descendants(element: Element, name: str) -> list[Element]:
    """Return all elements of a name below `element` in document order, in any namespace."""
    return [item for item in element.iter() if local_name(item.tag) == name and item is not element]
