"""The endpoint and MCP tool `search_panels`. Programs and models read its docstring."""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.api import handlers
from ui.web.shell.messages import user_message


def search_api(index: PanelIndex) -> None:
    """Add the endpoint; nothing of it is on screen."""

    def search_panels(
        text: str = "",
        image: str = "",
        panel: int = 0,
        negative: str = "",
        view: Literal["", "picture", "dialogue", "fused", "any"] = "",
        where: dict[str, Any] | None = None,
        k: int = 12,
        offset: int = 0,
        group_by: Literal["", "page", "book"] = "",
    ) -> dict[str, Any]:
        """
        Find comic panels in this library by text, by image, by both, or by similarity to a panel found before.

        Args:
            text: A line of dialogue, or a few words of it.
            image: An image file in base64 (no path, no address): the panel, a part of it, or a photo of it.
            panel: The panel_id of an earlier result, to find similar panels, instead of text and image; 0 for none.
            negative: Text to exclude: panels that match it come later.
            view: What to search: picture, dialogue, fused, or any (text in dialogue and picture); empty for automatic.
            where: Filters by name, like {"book": "Pepper%", "has_dialogue": true, "year": [1990, 1999]}.
            k: Number of results, 1 to 100.
            offset: Number of results to skip.
            group_by: At most one result of each page, or of each book.

        Returns:
            query, view, hits (rank, relevance, score, panel_id, book, page, panel, box, dialogue, page_path,
            matched_on, matched_words, gate), close: false if the first result is probably not what was searched for,
            null if that is unknown, notes: sentences on words that the encoder cannot read and on a build that is
            running, and
            generation: the number of the searched state.
        """
        arguments = {
            "text": text,
            "image": image,
            "panel": panel,
            "negative": negative,
            "view": view,
            "where": where,
            "k": k,
            "offset": offset,
            "group_by": group_by,
        }
        try:
            return handlers.search(index, arguments)
        except PanelseekError as error:
            raise gr.Error(user_message(error), print_exception=False) from None

    gr.api(search_panels, api_name="search_panels")
