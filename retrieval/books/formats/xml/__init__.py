"""XML from comics, parsed safely: entities are refused and nothing is fetched.

Files that break the rules of XML in ways that other programs forgive are repaired (`repair`), and text in an encoding
that the file does not declare is recognised (`encodings`).
"""

from __future__ import annotations

from retrieval.books.formats.xml.encodings import decode_text
from retrieval.books.formats.xml.parse import descendants, local_name, parse_xml

__all__ = ["decode_text", "descendants", "local_name", "parse_xml"]
