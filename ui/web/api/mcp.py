"""The MCP tool: only `search_panels`, which takes images as bytes, never as files or addresses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ui.web.gradio_compat import keep_tool


def keep_search_tool(app: Any) -> None:
    """Remove every tool but the search, and write its results as JSON; call after the launch."""
    keep_tool(app, "/search_panels", as_json)


def as_json(results: Sequence[Any], _: str) -> list[Any]:
    """Return results as JSON. Gradio would write them as Python, and open files that they seem to name."""
    from mcp.types import TextContent

    return [TextContent(type="text", text=json.dumps(result, ensure_ascii=False)) for result in results]
