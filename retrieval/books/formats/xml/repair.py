"""Repair of XML that breaks the rules in ways that other programs forgive.

Repaired are: text before the declaration and after the root, several declarations, characters that XML does not allow,
bare `&` and `<`, named entities of HTML, and prefixes without a namespace. Entities that a file declares itself stay
as they are, so that the parser still refuses them.
"""

from __future__ import annotations

import re
from html.entities import html5

_DECLARATION = re.compile(r"<\?xml\s[^<>]*>", re.IGNORECASE)
_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VERBATIM = re.compile(r"(<!--.*?-->|<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?")
_BARE_LESS_THAN = re.compile(r"<(?![A-Za-z_:/!?])")
_TAG = re.compile(r"""</?[A-Za-z_:][^\s<>/"']*(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_PREFIX = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_]")
_OWN_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_RESERVED_PREFIXES = {"xml", "xmlns"}


def repair_xml(text: str) -> str:
    """Return the text of a file as XML without a declaration."""
    text = _DECLARATION.sub("", _ILLEGAL.sub("", text))
    text = text[max(text.find("<"), 0) : text.rfind(">") + 1]
    parts = _VERBATIM.split(text)
    parts[::2] = [_BARE_LESS_THAN.sub("&lt;", _AMPERSAND.sub(_entity, part)) for part in parts[::2]]
    return _declare_prefixes("".join(parts))


def _entity(match: re.Match[str]) -> str:
    """Return an entity that the parser knows, or a bare ampersand escaped."""
    name = match[1]
    if name in _OWN_ENTITIES:
        return match[0]
    if name is not None and name.startswith("#"):
        digits = name[1:]
        code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        return "" if code > 0x10FFFF or _ILLEGAL.match(chr(code)) else match[0]
    known = html5.get(f"{name};", "")
    return known if known and not _ILLEGAL.search(known) else f"&amp;{match[0][1:]}"


def _declare_prefixes(text: str) -> str:
    """Return the text with a namespace for each prefix that its root element does not declare."""
    root = next((tag for tag in _TAG.finditer(text) if not tag[0].startswith("</")), None)
    if root is None:
        return text
    used = {prefix for tag in _TAG.finditer(text) for prefix in _PREFIX.findall(_QUOTED.sub("''", tag[0]))}
    missing = sorted(p for p in used - _RESERVED_PREFIXES if f"xmlns:{p}=" not in root[0])
    end = root.end() - (2 if root[0].endswith("/>") else 1)
    return text[:end] + "".join(f' xmlns:{prefix}="undeclared:{prefix}"' for prefix in missing) + text[end:]
