"""The endpoint and tool `search_panels`. What stands in its docstring is what programs and models get to read."""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.api import handlers
from ui.web.shell.messages import friendly


def programs(index: PanelIndex) -> None:
    """Adds the endpoint to the page; nothing of it is on screen."""

    def search_panels(
        text: str = "",
        picture: str = "",
        panel: int = 0,
        without: str = "",
        view: Literal["", "picture", "dialogue", "fused"] = "",
        words_in: Literal["", "said", "drawn", "both"] = "",
        where: dict[str, Any] | None = None,
        count: int = 12,
        offset: int = 0,
        one_per: Literal["", "page", "book"] = "",
    ) -> dict[str, Any]:
        """
        Find comic panels in this library by words, by a picture, by both, or by more like a panel found before.

        Args:
            text: Words that somebody says in the panel, or a few of them.
            picture: A picture file in base64 (no path, no address): the panel, a part of it, or a photo of it.
            panel: The panel_id of an earlier hit, to find more like it, instead of text and picture; 0 for none.
            without: Words to take away: panels that say or mean them come later.
            view: What is compared: picture, dialogue or fused; empty follows the question.
            words_in: Whether words speak of what is said, drawn, or both; empty is said.
            where: Filters by name, like {"book": "Pepper%", "has_dialogue": true, "year": [1990, 1999]}.
            count: How many hits, 1 to 100.
            offset: How many hits to leave out first.
            one_per: At most one hit of each page, or of each book.

        Returns:
            query, view, hits (rank, score, panel_id, book, page, panel, box, dialogue, source, why, words, gate), and
            close: false where nothing in the answer is closer than unrelated panels of this library.
        """
        asked = {
            "text": text,
            "picture": picture,
            "panel": panel,
            "without": without,
            "view": view,
            "words_in": words_in,
            "where": where,
            "count": count,
            "offset": offset,
            "one_per": one_per,
        }
        try:
            return handlers.search(index, asked)
        except PanelseekError as error:
            raise gr.Error(friendly(error), print_exception=False) from None

    gr.api(search_panels, api_name="search_panels")
