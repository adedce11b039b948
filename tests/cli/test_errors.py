"""Errors as sentences."""

from __future__ import annotations

import pytest

from retrieval.errors import IndexMissing, PanelseekError, UsageError
from ui.output.errors import as_sentence, error_sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UsageError("nothing to search for"), "Nothing to search for."),
        (UsageError("port 80 is in use", hint="choose another --port"), "Port 80 is in use. Choose another --port."),
        (
            IndexMissing("there is no index", "my.index", "run `panelseek build FOLDER`"),
            "my.index: there is no index. Run `panelseek build FOLDER`.",
        ),
        (UsageError("Really?", hint="`panelseek info` lists the books."), "Really? `panelseek info` lists the books."),
    ],
)
def test_problem_path_and_hint_become_sentences(error: PanelseekError, sentence: str) -> None:
    """The path stays as it is written; problem and hint end with a full stop, once."""
    assert error_sentence(error) == sentence


def test_the_path_can_be_left_out() -> None:
    error = IndexMissing("there is no index", "/secret/my.index", "build one")
    assert error_sentence(error, with_path=False) == "There is no index. Build one."


def test_a_sentence_has_a_capital_letter_and_an_end() -> None:
    assert [as_sentence(text) for text in (" done ", "Done.", "what?")] == ["Done.", "Done.", "What?"]
