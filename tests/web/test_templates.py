"""All HTML comes from templates, and no template lets text from comics become markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import ui.web
from retrieval import Box, Facet, Hit, Panel, PanelIndex, View
from retrieval.collections import KeptPanel
from retrieval.collections.store import Member
from retrieval.overview.lookalike_groups import LookalikePanel
from retrieval.progress import Progress
from tests.web.library import HOSTILE_BOOK
from ui.web.build import markup as build_markup
from ui.web.build.handlers import FolderList
from ui.web.collections import handlers as collections
from ui.web.collections import markup as collections_markup
from ui.web.library import handlers as library
from ui.web.library import markup as library_markup
from ui.web.lookalikes import markup as lookalikes_markup
from ui.web.lookalikes.handlers import LookalikeGroup, LookalikeList
from ui.web.map import markup as map_markup
from ui.web.map.handlers import MapGroup
from ui.web.panel import markup as panel_markup
from ui.web.panel.handlers import panel_detail
from ui.web.search import form, markup
from ui.web.search.cards import Card, Results
from ui.web.search.search_state import Crop, SearchState
from ui.web.search.welcome import library_summary
from ui.web.shell import markup as shell_markup
from ui.web.shell.jobs import JobStatus
from ui.web.shell.templating import ROOMS, join_lines, render

WEB = Path(ui.web.__file__).parent
TAG = re.compile(r"</?[a-zA-Z][\w-]*[ >/]|/>|<!--")
HOSTILE = """<script>bad()</script>" onload="bad()' onload='bad() javascript:bad() {{ bad() }} {% bad %}"""


def literals(path: Path) -> Iterator[str]:
    """Every string in a module's code but docstrings, f-strings piece by piece."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_html_is_written_in_python() -> None:
    found = {
        (path.relative_to(WEB).as_posix(), text)
        for path in WEB.rglob("*.py")
        for text in literals(path)
        if TAG.search(text)
    }
    assert found == set()


def test_nothing_is_marked_as_safe() -> None:
    """But for the script in the head, which is a file of the package."""
    code = "".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*.py"))
    assert "Markup(" not in code
    assert "autoescape=False" not in code
    safe = [path.name for path in WEB.rglob("*.html") if re.search(r"\|\s*safe|autoescape", path.read_text())]
    assert safe == ["head.html"]


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("shell/notice.html")


def test_line_breaks_beside_tags_and_expressions_add_nothing() -> None:
    source = "<p\n  class='a'>\n  one\n  two {{ x }}\n</p>\n{% if y %}\n  <b>\n{% endif %}\n"
    assert join_lines(source) == "<p class='a'>one two {{ x }}</p>{% if y %}<b>{% endif %}"


class Tags(HTMLParser):
    """The tags of a piece of HTML, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def hostile_panel(index: PanelIndex) -> Panel:
    """A panel all of whose texts are hostile."""
    return replace(
        index.browse(k=1)[0], book=HOSTILE, dialogue=HOSTILE, label=HOSTILE, page_path=HOSTILE, box=Box(0, 0, 10, 10)
    )


def pages(index: PanelIndex) -> dict[str, str]:
    """Every template with hostile text wherever it takes text, by name."""
    panel = hostile_panel(index)
    hit = replace(_hit(index), panel=panel, matched_words=tuple(HOSTILE.split()[:2]))
    card = Card(panel, hit, (Card(panel, hit),), 3)
    state = SearchState(
        text=HOSTILE, negative=HOSTILE, like=1, crop=Crop(0, 0, 1, 1), where={"book": (HOSTILE,)}, group="page"
    )
    results = Results(state, View.DIALOGUE, (card,), 1, 0.1, True, truncated=True, like=panel)
    other = replace(results, like=None, excluded=panel, state=replace(state, like=None))
    detail = replace(
        panel_detail(index, panel.id),
        panel=panel,
        matched_words=tuple(HOSTILE.split()[:2]),
        metadata=(("writer", (HOSTILE,)), ("series", (HOSTILE, "javascript:bad()"))),
    )
    summary = replace(library_summary(index), encoder=HOSTILE, samples=(panel,), suggestions=(HOSTILE,))
    book = library.list_books(index, {}).books[0]
    book = replace(book, summary=replace(book.summary, title=HOSTILE, path=f"{HOSTILE}/b"))
    opened = library.OpenBook(book, (library.OpenPage(1, 1, (panel,)), library.OpenPage(2, 2, ())), 0, 99)
    details = replace(library.index_details(index), encoder={"name": HOSTILE}, skipped=((HOSTILE, HOSTILE),))
    lookalike = LookalikePanel(panel, 0.5, True)
    member = Member(1, "", panel.box, HOSTILE, 1, 1)
    kept = collections.OpenCollection(HOSTILE, (KeptPanel(member, panel), KeptPanel(member, None)), 99, 0)
    choices = collections.Choices(panel, (collections.Choice(HOSTILE, True),), 3)
    covers = collections.CollectionList((collections.Cover(HOSTILE, 2, (panel,)),), 99, 0)
    folders = FolderList(0, (HOSTILE, HOSTILE), f"{HOSTILE}/x/{HOSTILE}", (HOSTILE,), 2, 3)
    running = JobStatus("running", Progress(HOSTILE, 1, 2, detail=HOSTILE))
    failed = JobStatus("failed", problem=HOSTILE)
    here = f"?q={HOSTILE}&panel=3"
    return {
        "cards": markup.cards(results, here),
        "summary": markup.summary(results) + markup.summary(other),
        "end": markup.end(results),
        "welcome": markup.welcome(summary),
        "filters": form.filters({"book": (Facet(HOSTILE, 1), Facet("javascript:bad()", 2))}, state),
        "slot": form.panel_slot(panel, state.crop),
        "dialog": panel_markup.dialog(detail, here),
        "problem": panel_markup.problem(HOSTILE, here),
        "books": library_markup.books(library.BookList((book,), 1, 0, HOSTILE, "title")),
        "no books": library_markup.books(library.BookList((), 0, 0, HOSTILE, "title")),
        "book": library_markup.open_book(opened),
        "no book": library_markup.no_book(HOSTILE),
        "index": library_markup.index_details(details),
        "collections": collections_markup.covers(covers),
        "collection": collections_markup.open_collection(kept),
        "no collection": collections_markup.no_collection(HOSTILE),
        "choices": collections_markup.choices(choices),
        "groups": lookalikes_markup.groups(LookalikeList((LookalikeGroup((lookalike, lookalike), 2),), 0, 50)),
        "look-alike progress": lookalikes_markup.progress(running) + lookalikes_markup.progress(failed),
        "map groups": map_markup.groups([MapGroup(0, 3, ((HOSTILE, 3),), (panel,), 0.1, 0.2, 0.3)]),
        "map progress": map_markup.progress(running) + map_markup.progress(failed),
        "folders": build_markup.folders(folders),
        "no folder": build_markup.no_folder(HOSTILE),
        "build progress": build_markup.progress(running, None) + build_markup.progress(failed, None),
        "notice": shell_markup.notice(HOSTILE),
        "masthead": shell_markup.masthead([("search", "Search"), (HOSTILE, HOSTILE)]),
    }


def _hit(index: PanelIndex) -> Hit:
    return index.search(text="rain", k=1)[0]


def test_hostile_text_stays_text(index: PanelIndex) -> None:
    """In no template does it become a tag, an attribute, or the scheme of a link."""
    for name, html in pages(index).items():
        tags = Tags(html)
        assert "script" not in tags.names, name
        assert not [attribute for attribute, _ in tags.attributes if attribute.startswith("on")], name
        links = [value for attribute, value in tags.attributes if attribute in ("href", "src")]
        own = ("?", "pictures/", "collections/export/", "data:image/webp;base64,")
        assert all(link.startswith(own) for link in links), name
        if name != "end":
            assert "&lt;script&gt;" in html or "script%3E" in html, name


def test_every_template_is_tried(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new template has to be added to the pages above, or takes no text."""
    from ui.web.shell import templating

    names: set[str] = set()
    load = templating._environment().loader
    assert load is not None
    monkeypatch.setattr(templating, "render", templating.render)
    texts = {f"{room}/{path.name}" for room in ROOMS for path in (WEB / room / "templates").glob("*.html")}
    fixed = {
        "build/build.html",
        "collections/collections.html",
        "library/library.html",
        "lookalikes/lookalikes.html",
        "map/map.html",
        "panel/place.html",
        "search/form.html",
        "search/empty_slot.html",
        "search/no_results.html",
        "search/upload_lost.html",
        "shell/head.html",
    }
    environment = templating._environment()
    assert environment.cache is not None
    environment.cache.clear()
    pages(index)
    names = {key[1] for key in environment.cache}
    assert texts - names <= fixed


def test_a_hostile_book_is_a_name_like_any_other(index: PanelIndex) -> None:
    html = library_markup.books(library.list_books(index, {}))
    assert "<img src=x" not in html
    assert HOSTILE_BOOK.split(" ", 1)[0] in html
