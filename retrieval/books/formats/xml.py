"""XML from comics, parsed so that it cannot harm: no entities, nothing fetched."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from retrieval.errors import SourceError


def parse_xml(data: bytes, label: str) -> Element:
    """The root element. Raises SourceError, beginning with `label`, when it is no XML or declares entities."""
    try:
        root: Element = fromstring(data)
    except DefusedXmlException as error:
        raise SourceError(f"{label} declares entities, which may be a bomb; they are not read") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise SourceError(f"{label} is damaged XML: {error}") from error
    return root


def plain(tag: object) -> str:
    """A tag or attribute name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def below(element: Element, name: str) -> list[Element]:
    """All elements of a name below one, in document order, whatever their namespace."""
    return [item for item in element.iter() if plain(item.tag) == name and item is not element]
