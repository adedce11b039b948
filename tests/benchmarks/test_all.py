"""`benchmarks/all.py` measures every benchmark of speed, and names what it could not measure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks import all as program
from benchmarks.figures import table
from benchmarks.figures.programs import BENCHMARKS, OTHER_PROGRAMS, ROOT, Benchmark, Material
from benchmarks.figures.rows import FAILED, MET, MISSED, NOT_JUDGED, NOT_RUN, Figures, Row
from benchmarks.figures.running import Outcome, Progress, run
from benchmarks.figures.targets import TARGETS, Target

MEASURES = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from benchmarks.figures.rows import Figures
figures = Figures("command_line", "--json" in sys.argv)
print("something else")
figures.add("info", 0.25, "s", 0.5, "the other checkout")
"""


def write_program(folder: Path, name: str, more: str = "") -> str:
    """Write a program that measures one figure; return its name for `Benchmark`."""
    (folder / f"{name}.py").write_text(MEASURES.format(root=str(ROOT)) + more)
    return str(folder / name)


def run_one(benchmark: Benchmark, folder: Path) -> Outcome:
    """Run one benchmark in a folder."""
    progress = Progress(1)
    progress.start(1, benchmark)
    return run(benchmark, Material(folder, None, quick=True), progress, 60, lambda _: None)


def run_main(monkeypatch: pytest.MonkeyPatch, benchmarks: list[Benchmark], *arguments: str) -> int:
    """Run the command with these benchmarks instead of the real ones."""
    monkeypatch.setattr(program, "BENCHMARKS", tuple(benchmarks))
    monkeypatch.setattr(table, "BENCHMARKS", tuple(benchmarks))
    return program.main(list(arguments))


# ---------------------------------------------------------------------- the list


def test_every_program_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each program of the folder is a benchmark of speed, or has a reason why it is none."""
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    measured = {benchmark.program for benchmark in BENCHMARKS}
    assert measured | set(OTHER_PROGRAMS) == programs
    assert not measured & set(OTHER_PROGRAMS)
    assert program.main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{benchmark.name} " in listed and benchmark.title in listed for benchmark in BENCHMARKS)


def test_every_target_belongs_to_a_benchmark() -> None:
    """Each target is a row of the table even if its program cannot run."""
    assert len({benchmark.name for benchmark in BENCHMARKS}) == len(BENCHMARKS)
    for name, targets in TARGETS.items():
        claimed = {figure for benchmark in BENCHMARKS if benchmark.program == name for figure in benchmark.figures}
        assert claimed == set(targets), name


@pytest.mark.parametrize("name", sorted({benchmark.program for benchmark in BENCHMARKS}))
def test_every_argument_exists(name: str) -> None:
    """A program has `--json` and the options that the list gives it, and names each of its figures with a target."""
    text = (ROOT / "benchmarks" / f"{name}.py").read_text()
    for benchmark in BENCHMARKS:
        if benchmark.program == name:
            words = [word for word in (*benchmark.arguments, *benchmark.quick, "--json") if word.startswith("--")]
            shared = text + (ROOT / "benchmarks" / "dialogue.py").read_text() if "import Page" in text else text
            assert all(f'"{word.partition("=")[0]}"' in shared for word in words), words
    assert f'Figures("{name}"' in text or f'    "{name}", ' in text


# ---------------------------------------------------------------------- the rows


@pytest.mark.parametrize(
    ("ours", "ratio", "target", "met"),
    [
        (0.9, None, Target(1, "s"), True),
        (1.1, None, Target(1, "s"), False),
        (400, None, Target(400, "panels/s", least=True), True),
        (399, None, Target(400, "panels/s", least=True), False),
        (5, 2.3, Target(2.2, "pages/s", least=True, of_ratio=True), True),
        (5, 2.1, Target(2.2, "pages/s", least=True, of_ratio=True), False),
        (5, None, Target(2.2, "pages/s", least=True, of_ratio=True), None),
    ],
)
def test_a_target_is_met_or_missed(ours: float, ratio: float | None, target: Target, met: bool | None) -> None:
    """A limit counts for the figure or for the ratio; without a baseline there is no verdict on a ratio."""
    assert target.is_met(ours, ratio) is met


def test_a_small_run_is_not_judged() -> None:
    """A figure of a run that is too small has its target, but no verdict, and says why."""
    figures = Figures("large_library", as_json=False, small="20,000 panels only")
    figures.add("opening", 0.1, "s")
    figures.add("unnamed", 3, "s")
    figures.not_run("facets, one book", "no books")
    opening, unnamed, facets = figures.rows
    assert (opening.status, opening.reason, opening.target) == (NOT_JUDGED, "20,000 panels only", "<= 1 s")
    assert (unnamed.status, unnamed.reason) == ("-", "")
    assert (facets.status, facets.target, facets.unit) == (NOT_RUN, "<= 300 ms", "ms")


def test_rows_of_a_tiny_run(tmp_path: Path) -> None:
    """A real benchmark prints rows whose fields have the documented names and types, with baseline and ratio."""
    tiny = (str(tmp_path), "--panels", "2000", "--questions", "4", "--plain", "2")
    benchmark = Benchmark("tiny", "words with a filter", "words_and_filters", 1, quick=tiny)
    outcome = run_one(benchmark, tmp_path)
    assert (outcome.failure, outcome.finished) == ("", True)
    assert len(outcome.rows) == 22
    names = {field.name for field in fields(Row)}
    for row in outcome.rows:
        values = json.loads(json.dumps(row.as_dict()))
        assert set(values) == names
        assert Row.from_dict(values) == row
        assert row.ours > 0
        assert row.baseline > 0
        assert row.ratio == pytest.approx(row.ours / row.baseline)
        assert (row.unit, row.against, row.met) == ("ms", "plain SQL", None)


@pytest.mark.parametrize(
    "line",
    ["", "text", "[]", '{"name": "a"}', json.dumps({**Row("a").as_dict(), "ours": "1"}),
     json.dumps({**Row("a").as_dict(), "more": 1}), json.dumps({**Row("a").as_dict(), "met": 1.5})],
)  # fmt: skip
def test_other_lines_are_no_rows(line: str) -> None:
    """Whatever a program prints besides its rows is not taken for one."""
    assert Row.from_line(line) is None


def test_only_rows_come_on_standard_output(tmp_path: Path) -> None:
    """Other output of a program goes to its log."""
    outcome = run_one(Benchmark("one", "one figure", write_program(tmp_path, "one"), 1), tmp_path)
    assert [(row.name, row.ours, row.ratio, row.status) for row in outcome.rows] == [("info", 0.25, 0.5, MET)]
    assert "something else" in (tmp_path / "one.log").read_text()


# ----------------------------------------------------------------- what goes wrong


def test_a_failed_benchmark_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It keeps what it measured, has a row with its reason, and the next ones run."""
    broken = write_program(tmp_path, "broken", 'raise SystemExit("no comics in /nowhere")')
    silent = tmp_path / "silent.py"
    silent.write_text("pass")
    chosen = [
        Benchmark("broken", "fails", broken, 1),
        Benchmark("silent", "measures nothing", str(silent.with_suffix("")), 1),
        Benchmark("gpu", "needs a GPU", broken, 1, figures=("info",), needs=(lambda _: "no GPU",)),
        Benchmark("whole", "runs", write_program(tmp_path, "whole"), 1),
    ]
    assert run_main(monkeypatch, chosen, "--quick", "--work", str(tmp_path), "--json") == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    found = [(row.pop("benchmark"), Row.from_dict(row).status, row["reason"]) for row in rows]
    log = tmp_path / "broken.log"
    assert found == [
        ("broken", MET, ""),
        ("broken", FAILED, f"no comics in /nowhere ({log})"),
        ("silent", FAILED, f"it printed no figures ({tmp_path / 'silent.log'})"),
        ("gpu", NOT_RUN, "no GPU"),
        ("whole", MET, ""),
    ]


def test_a_missed_target_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table says so, and the exit status is 1."""
    slow = write_program(tmp_path, "slow", 'figures.add("search WORDS", 1.5, "s")')
    assert run_main(monkeypatch, [Benchmark("slow", "is slow", slow, 1)], "--work", str(tmp_path)) == 1
    printed = capsys.readouterr().out
    assert "| slow | info | 0.25 s | 0.5 s (the other checkout) | 0.5 | <= 0.5 s | met |" in printed
    assert f"| slow | search WORDS | 1.5 s |  |  | <= 1 s | {MISSED} |" in printed
    assert "Targets: 1 met, 1 missed." in printed


def test_a_benchmark_that_hangs_is_stopped(tmp_path: Path) -> None:
    """After its limit it counts as failed, and keeps its rows."""
    hangs = write_program(tmp_path, "hangs", "time.sleep(600)")
    benchmark, progress = Benchmark("hangs", "never ends", hangs, 1), Progress(1)
    progress.start(1, benchmark)
    outcome = run(benchmark, Material(tmp_path, None, quick=True), progress, 3, lambda _: None)
    assert outcome.failure.startswith("stopped after ")
    assert [row.status for row in outcome.rows][-1] == FAILED


def test_finished_ones_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--resume` runs what failed or is missing; without it all that is chosen runs again, and the rest stays."""
    count = "Path(__file__).with_suffix('.runs').open('a').write('x')"
    first = Benchmark("first", "ends", write_program(tmp_path, "first", count), 1)
    second = Benchmark("second", "fails", write_program(tmp_path, "second", f"{count}; raise SystemExit('no')"), 1)
    runs = lambda: [len((tmp_path / f"{name}.runs").read_text()) for name in ("first", "second")]  # noqa: E731
    arguments = ("--work", str(tmp_path), "--output", str(tmp_path / "results.json"))
    run_main(monkeypatch, [first, second], *arguments)
    run_main(monkeypatch, [first, second], *arguments, "--resume")
    assert runs() == [1, 2]
    run_main(monkeypatch, [first, second], *arguments, "--only", "first")
    assert runs() == [2, 2]
    assert set(json.loads((tmp_path / "results.json").read_text())["benchmarks"]) == {"first", "second"}
    capsys.readouterr()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 9}',
        '{"format": 1, "quick": false, "benchmarks": {"a": 1}}',
        '{"format": 1, "quick": true, "benchmarks": {}}',
    ],
)
def test_an_odd_file_of_results_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged file, or one of other sizes, gets a sentence with its path and a suggestion, and stays."""
    results = tmp_path / "results.json"
    results.write_text(content)
    assert program.main(["--work", str(tmp_path), "--resume", "--only", "command-line"]) == 2
    printed = capsys.readouterr()
    assert str(results) in printed.err
    assert "--output" in printed.err
    assert "Traceback" not in printed.err
    assert results.read_text() == content


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if path.exists():
            return
        assert process.poll() is None
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_prints_what_is_finished(sent: signal.Signals, tmp_path: Path) -> None:
    """The table has all rows so far, the running program is stopped, and the exit status is 130."""
    write_program(tmp_path, "first")
    write_program(tmp_path, "endless", "Path(__file__).with_suffix('.pid').write_text(str(__import__('os').getpid()))\n"
                  "time.sleep(600)")  # fmt: skip
    driver = tmp_path / "driver.py"
    driver.write_text(f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from benchmarks import all as program
from benchmarks.figures import table
from benchmarks.figures.programs import Benchmark
names = ("first", "endless", "never")
program.BENCHMARKS = table.BENCHMARKS = tuple(
    Benchmark(name, f"the {{name}} one", {str(tmp_path)!r} + "/" + name, 1) for name in names
)
program.end_on_signals()
raise SystemExit(program.main(["--work", {str(tmp_path)!r}]))
""")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(driver)], **pipes) as process:
        wait_for(tmp_path / "endless.pid", process)
        time.sleep(1.5)  # its row is read
        process.send_signal(sent)
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "| first | info | 0.25 s |" in printed
    assert "| endless | info | 0.25 s |" in printed
    assert "not run: interrupted" in printed
    assert "the never one" in printed
    assert set(json.loads((tmp_path / "results.json").read_text())["benchmarks"]) == {"first", "endless"}
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "endless.pid").read_text()), 0)


@pytest.mark.parametrize(
    ("written", "share"),
    [(b'{"seconds": {"index": 2, "total": 50}}', 0.04), (b"", None), (b"{}", None), (b'{"seconds": []}', None)],
)
def test_the_share_of_publishing_comes_from_the_report(
    written: bytes, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without seconds of the stages there is no share, instead of a wrong one."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from benchmarks.whole_builds import publishing

    assert publishing(written) == share
