"""The options of the commands: complete, and explained in help that a person can read."""

from __future__ import annotations

from dataclasses import fields

import click
import pytest

from index_builder import BuildOptions
from retrieval.filters import Filter
from retrieval.records import View
from retrieval.search.query import ANY_VIEW, Query
from ui.cli.main import panelseek
from ui.cli.options import GroupedCommand

SCREEN = 24
"""Lines of the smallest terminal."""

QUERY_FIELDS_WITHOUT_OPTION = {
    "where": "each filter has an option of its own",
    "include_self": "a panel stays in its own results, where a person sees what was searched for",
}

FILTERS_WITHOUT_OPTION = {
    "book_id": "people name books; ids are for programs",
    "annotated": "for evaluations, which have --annotated",
}

VERBS = frozenset({
    "Also", "Build", "Check", "Choose", "Compare", "Decode", "Do", "Draw", "Drop", "Encode", "Exclude", "Find",
    "Join", "Keep", "Lay", "Let", "List", "Listen", "Make", "Measure", "Name", "Open", "Order", "Print", "Query",
    "Read", "Rebuild", "Remove", "Require", "Return", "Run", "Save", "Scan", "Score", "Search", "Seed", "Serve",
    "Show", "Skip", "Start", "Train", "Treat", "Use", "Validate", "Weigh", "Write",
})  # fmt: skip
"""First words of help texts; `Also` stands before a verb, `Do` before `not`."""


def options(name: str) -> dict[str, click.Option]:
    """Return the options of a command by the name of their parameter."""
    return {str(param.name): param for param in panelseek.commands[name].params if isinstance(param, click.Option)}


def test_every_field_of_a_query_has_an_option() -> None:
    """Or is in the list of those without, with the reason."""
    names = {field.name for field in fields(Query)}
    assert names - set(options("search")) == set(QUERY_FIELDS_WITHOUT_OPTION)


def test_every_filter_has_an_option() -> None:
    """Or is in the list of those without, with the reason."""
    names = {field.name for field in fields(Filter)}
    assert names - set(options("search")) == set(FILTERS_WITHOUT_OPTION)


def test_the_defaults_of_search_are_those_of_a_query() -> None:
    """Options that are not given leave the fields as they are."""
    found = options("search")
    for field in fields(Query):
        if field.name in found and not found[field.name].is_flag:
            assert found[field.name].to_info_dict()["default"] in (field.default, None), field.name


def test_every_view_can_be_chosen() -> None:
    choice = options("search")["view"].type
    assert isinstance(choice, click.Choice)
    assert set(choice.choices) == {*View, ANY_VIEW}


@pytest.mark.parametrize("name", ["build", "watch"])
def test_every_build_option_has_an_option(name: str) -> None:
    assert {field.name for field in fields(BuildOptions)} <= set(options(name))


@pytest.mark.parametrize("name", panelseek.commands)
def test_help_starts_with_a_verb(name: str) -> None:
    """That of the command and of each option, and each is a sentence."""
    command = panelseek.commands[name]
    assert (command.help or "").split()[0] in VERBS
    for option in options(name).values():
        text = (option.help or "").partition("  [")[0]
        assert text.split()[0] in VERBS, option.opts
        assert text.endswith((".", "...")), option.opts


@pytest.mark.parametrize("name", panelseek.commands)
def test_a_group_of_options_fits_a_screen(name: str) -> None:
    """At 80 columns; groups name options that exist, and each at most once."""
    command = panelseek.commands[name]
    with click.Context(command, info_name=name, terminal_width=80) as context:
        sections = command.get_help(context).split("\n\n")
    assert max(len(section.splitlines()) for section in sections) < SCREEN
    if isinstance(command, GroupedCommand):
        grouped = [option for names in command.groups.values() for option in names]
        assert len(grouped) == len(set(grouped))
        assert set(grouped) <= set(options(name))


def test_the_list_of_commands_is_not_cut_off() -> None:
    """Each command has one whole sentence there."""
    with click.Context(panelseek, info_name="panelseek", terminal_width=80) as context:
        listed = panelseek.get_help(context).partition("Commands:\n")[2].splitlines()
    assert len(listed) == len(panelseek.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)
