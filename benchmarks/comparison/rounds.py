"""Rounds of builds and questions, in which both checkouts take turns."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.checkout import Checkout, in_turn
from comparison.questions import Question


def compare_builds(pair: Sequence[Checkout], subset: Path, scratch: Path, rounds: int, clock: str) -> Question:
    """Build the small library in every round; the first build of each checkout does not count."""
    build = Question("build", {})
    for number in range(rounds + 1):
        answers = {}
        for place, checkout in in_turn(pair, number):
            folder = scratch / f"{checkout.name}-{number}.index"
            reply = checkout.ask("build", sources=[str(subset)], index=str(folder))
            shutil.rmtree(folder)
            answers[place] = reply["answer"]
            if number:
                build.seconds[place].append(reply[clock])
        build.same = build.same and answers[0] == answers[1]
        say(f"build {number}/{rounds}")
    return build


def compare_questions(pair: Sequence[Checkout], questions: Sequence[Question], rounds: int, clock: str) -> None:
    """Ask every question in every round; a round before the first warms both up and compares the answers."""
    for number in range(rounds + 1):
        for question in questions:
            for again in range(question.times if number else 1):
                ask_both(pair, question, number + again, clock)
            if not number:
                question.forget_times()
        say(f"round {number}/{rounds}")


def ask_both(pair: Sequence[Checkout], question: Question, number: int, clock: str) -> None:
    """Ask both checkouts one question; remember the times, and whether the answers are the same."""
    answers = {}
    for place, checkout in in_turn(pair, number):
        command = dict(question.command)
        if command["do"] == "open":
            command["index"] = str(checkout.index)
        reply = checkout.ask(**command)
        answers[place] = reply["answer"]
        question.seconds[place].append(reply[clock])
    question.same = question.same and answers[0] == answers[1]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
