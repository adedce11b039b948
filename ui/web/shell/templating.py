"""HTML from Jinja2 templates: `render("search/cards.html", cards=...)`. Every value is escaped.

Templates are in the folder `templates` of each room. A line break next to a tag or an expression there adds nothing to
the HTML; any other line break is one space. So templates are indented, and what browsers get stays small.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.ext import Extension

from ui.web.memory import limits
from ui.web.shell import addresses, text

ROOMS = ("shell", "search", "library", "collections", "map", "lookalikes", "build", "panel")

_LINE_BREAK = re.compile(r"\s*\n\s*")


def render(template: str, **values: Any) -> str:
    """Return the HTML of a template, named by room and file."""
    return _environment().get_template(template).render(**values)


def compile_templates() -> None:
    """Compile all templates, so that the first visitor does not wait for it (0.1 s)."""
    environment = _environment()
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def join_lines(source: str) -> str:
    """Return a template without its line breaks and indentation."""

    def joined(match: re.Match[str]) -> str:
        before, after = source[: match.start()][-1:], source[match.end() :][:1]
        return "" if before in ("", ">", "}") or after in ("", "<", "{") else " "

    return _LINE_BREAK.sub(joined, source)


class _JoinedLines(Extension):
    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return join_lines(source)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Return the one environment. Templates are compiled once; a name that is not given is an error."""
    environment = Environment(
        loader=PrefixLoader({room: PackageLoader("ui.web", f"{room}/templates") for room in ROOMS}),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[_JoinedLines],
    )
    environment.filters |= {
        "base64": lambda data: b64encode(data).decode(),
        "commas": lambda number: f"{number:,}",
        "counted": text.counted,
        "describe": text.describe,
        "one_line": text.one_line,
        "shorten": text.shorten,
    }
    environment.globals |= {
        "address": addresses.make_address,
        "excerpt": text.excerpt,
        "marked": text.marked,
        "max_upload_bytes": lambda: limits().upload,
        "page_image": addresses.page_image,
        "panel_image": addresses.panel_image,
        "panel_prefix": addresses.panel_prefix,
        "with_parameter": addresses.with_parameter,
    }
    return environment
