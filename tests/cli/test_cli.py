"""The command `panelseek`, run as a person runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from retrieval.encoder.weight_files import WEIGHTS
from tests.conftest import draw_page, panel_boxes
from ui.cli.main import main

LINES = ["the lighthouse is dark again", "who fed the robot tea", "", "never borrow winter from a bear"]


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ui.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1", **environment},
    )


@pytest.fixture(scope="module")
def comics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn pages of four panels; the first has an annotation with its words."""
    folder = tmp_path_factory.mktemp("cli") / "comics" / "Harbour"
    folder.mkdir(parents=True)
    for number in (1, 2):
        draw_page(number).save(folder / f"page{number}.png")
    panels = [{"bbox": box, "text": line} for box, line in zip(panel_boxes(4), LINES, strict=True)]
    note = {"image_width": 400, "image_height": 600, "panels": panels}
    (folder / "page1.json").write_text(json.dumps(note))
    return folder.parent


@pytest.fixture(scope="module")
def index(comics: Path) -> Path:
    """An index of these comics, built by the command with the embedded encoder."""
    folder = comics.parent / "cli.index"
    done = run("build", str(comics), "--index", str(folder), "--encoder", "small", "--no-ocr", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["pages"], report["panels"], report["encoded"]) == (2, 8, 8)
    assert report["encoder"]["provisional"] is False
    assert "encoding: 2/2 pages  8 panels" in done.stderr
    return folder


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command in this process: exit status, standard output, standard error."""
    try:
        main(list(arguments))
        status = 0
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


TORCH = ["torch", "torchvision", "transformers", "gradio"]
LOADED = {
    "words": (["search", "fed the robot"], [*TORCH, "openvino", "faiss", "cv2", "PIL"]),
    "negative words": (["search", "fed the robot", "--negative", "tea"], [*TORCH, "openvino", "faiss", "cv2", "PIL"]),
    "image": (["search", "--image", "page1.png"], TORCH),
    "info": (["info"], [*TORCH, "openvino", "faiss", "cv2", "PIL", "tokenizers"]),
    "books and facets": (["info", "--books", "--facets"], [*TORCH, "openvino", "faiss", "cv2", "PIL", "tokenizers"]),
}
"""Commands, and the libraries that they must not load."""


@pytest.mark.parametrize(("command", "absent"), LOADED.values(), ids=LOADED)
def test_a_command_loads_only_what_it_needs(index: Path, comics: Path, command: list[str], absent: list[str]) -> None:
    code = (
        "import sys\nfrom ui.cli.main import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        f"print([name for name in {absent} if name in sys.modules])"
    )
    arguments = [*command, "--index", str(index), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=comics / "Harbour",
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_loads_nothing_heavy() -> None:
    """`panelseek --help` and wrong usage import neither torch, faiss, transformers nor gradio."""
    script = (
        "import sys\nfrom ui.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    code = stop.code\nelse:\n    code = 0\n"
        "heavy = {'torch', 'torchvision', 'faiss', 'transformers', 'gradio', 'cv2', 'sklearn'} & set(sys.modules)\n"
        "print(sorted(heavy), code, file=sys.stderr)\n"
    )
    for arguments, code in ((["--help"], 0), (["build", "--help"], 0), (["build"], 2), (["search", "--no-such"], 2)):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        assert done.stderr.strip().endswith(f"[] {code}"), done.stderr


def test_search_prints_a_table(index: Path) -> None:
    """Words find the panel that says them, first, in a table a person can read."""
    done = run("search", "who fed the robot", "--index", str(index))
    assert done.returncode == 0, done.stderr
    first = next(line for line in done.stdout.splitlines() if line.strip().startswith("1 "))
    assert "Harbour" in first
    assert "who fed the robot tea" in first


def test_search_json_is_as_documented(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one object with the query, the view and the hits with their place."""
    status, out, _ = command(capsys, "search", "--text", "lighthouse dark", "-k", "2", "--index", str(index), "--json")
    assert status == 0
    found = json.loads(out)
    assert found["query"] == {"text": "lighthouse dark", "k": 2, "offset": 0}
    assert found["view"] == "dialogue"
    hit = found["hits"][0]
    assert (hit["rank"], hit["book"], hit["page"], hit["panel"]) == (1, "Harbour", 1, 1)
    assert hit["box"] == list(panel_boxes(4)[0])
    assert hit["dialogue"] == "the lighthouse is dark again"
    assert hit["page_path"] == "Harbour/page1.png"
    assert hit["matched_words"] == ["lighthouse", "dark"]
    assert found["close"] is None  # too few panels with words to calibrate


def test_search_excludes_words(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--negative` ranks the panel with these words last of those with dialogue, and the JSON repeats the query."""
    query = ("search", "the lighthouse tea", "--negative", "lighthouse", "--view", "dialogue", "--index", str(index))
    status, out, _ = command(capsys, *query, "--json")
    found = json.loads(out)
    assert (status, found["query"]["negative_text"], found["query"]["view"]) == (0, "lighthouse", "dialogue")
    assert [hit["dialogue"] for hit in found["hits"]][::2] == [LINES[1], LINES[0]]


def test_filters_by_metadata(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options filter by metadata from a book's name, in any case, repeated or as ranges; `info` counts the values."""
    place = ("--index", str(index), "--json")
    for options, hits in (
        (("--series", "HARB%"), 8),
        (("--series", "harbour", "--series", "other"), 8),
        (("--series", "other"), 0),
        (("--year", "1990-1999"), 0),
        (("--number", "-7"), 0),
        (("--label", "cover"), 0),
    ):
        status, out, err = command(capsys, "search", "--like", "1", *options, *place)
        assert (status, len(json.loads(out)["hits"])) == (0, hits), (options, err)
    status, out, _ = command(capsys, "info", "--facets", *place)
    assert json.loads(out)["facets"]["series"] == [{"value": "Harbour", "panels": 8}]
    status, out, _ = command(capsys, "info", "--facets", "--index", str(index))
    assert "series: Harbour (8)" in out
    assert "has_dialogue: no (5), yes (3)" in out


def test_search_by_picture_and_save(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A panel's own crop finds it first with score 1, and `--save` writes the hits' pictures."""
    x, y, w, h = panel_boxes(4)[2]
    draw_page(2).crop((x, y, x + w, y + h)).save(tmp_path / "query.png")
    options = ("--image", str(tmp_path / "query.png"), "--pages", "1-2", "--save", str(tmp_path / "hits"))
    status, out, _ = command(capsys, "search", *options, "--index", str(index), "--json")
    assert status == 0
    hit = json.loads(out)["hits"][0]
    assert (hit["page"], hit["box"]) == (2, [x, y, w, h])
    assert hit["score"] >= 0.999
    assert len(list((tmp_path / "hits").glob("*.png"))) == len(json.loads(out)["hits"])


def test_info_and_verify(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`info` shows what the index holds and `verify` finds no problem; both also as JSON."""
    status, out, _ = command(capsys, "info", "--index", str(index), "--json")
    assert status == 0
    found = json.loads(out)
    assert (found["books"], found["pages"], found["panels"], found["panels_with_dialogue"]) == (1, 2, 8, 3)
    assert found["views"]["picture"]["recall_at_10"] == 1.0
    assert found["encoder"]["gate"] == {"picture": 0.49, "dialogue": 0.49, "composition": 0.02}
    status, out, _ = command(capsys, "info", "--index", str(index))
    assert "Measure its search accuracy with `panelseek evaluate`." in out
    assert "gate: fixed weights 0.49 / 0.49 / 0.02, the same for every panel" in out
    status, out, _ = command(capsys, "verify", "--index", str(index), "--json")
    assert status == 0
    verdict = json.loads(out)
    assert verdict["sound"] is True
    assert verdict["checked"]["panels_encoded_again"] == 8


def test_weights_that_were_moved(comics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An index built from a weight file is searched and verified with the file's new place, which is remembered."""
    weights, folder = tmp_path / "mine.safetensors", str(tmp_path / "my.index")
    state = load_file(WEIGHTS / "small.safetensors")
    name = next(key for key, value in state.items() if value.is_floating_point())
    for file, change in ((weights, 0.001), (tmp_path / "other.safetensors", 0.002)):
        save_file(state | {name: state[name] + change}, file)
    build = ("build", str(comics), "--index", folder, "--no-ocr", "--workers", "0", "--quiet")
    assert command(capsys, *build, "--encoder", str(weights))[0] == 0
    (tmp_path / "models").mkdir()
    moved = str(weights.rename(tmp_path / "models" / "renamed.safetensors"))
    words = ("search", "who fed the robot", "--index", folder, "-k", "1")
    status, _, said = command(capsys, *words)
    assert status == 1
    assert "mine.safetensors, nor next to the index. Give their present place with --encoder PATH" in said
    for arguments in (words, ("verify", "--index", folder, "--sample", "2"), ("evaluate", "--index", folder)):
        status, _, said = command(capsys, *arguments, "--encoder", str(tmp_path / "other.safetensors"))
        assert status == 1
        assert re.search(r"built with encoder mine \(\w{12}\), and this is other \(\w{12}\)", said)
    assert "who fed the robot" in command(capsys, *words, "--encoder", moved)[1]
    assert "who fed the robot" in command(capsys, *words)[1]
    assert command(capsys, "verify", "--index", folder, "--sample", "2")[0] == 0
    assert command(capsys, *build)[0] == 0


def test_verify_names_damage_and_repairs_it(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged part gives status 1 and its name; `--repair` rebuilds what is derived."""
    part = next((index / "generations").glob("*/picture.panels.npy"))
    part.write_bytes(part.read_bytes()[:-8])
    status, out, _ = command(capsys, "verify", "--index", str(index))
    assert status == 1
    assert "picture.panels.npy" in out
    assert "--repair" in out
    status, _, err = command(capsys, "search", "tea", "--index", str(index))
    assert status == 1
    assert "picture.panels.npy" in err
    status, _, err = command(capsys, "verify", "--repair", "--index", str(index))
    assert status == 0, err
    assert "rebuilt: generation" in err


BAD: list[tuple[list[str], int, list[str]]] = [
    (["search", "x", "--index", "{tmp}/none"], 1, ["there is no index", "none", "panelseek build"]),
    (["info", "--index", "{tmp}/none"], 1, ["there is no index"]),
    (["verify", "--index", "{tmp}/none"], 1, ["there is no index"]),
    (["build", "{tmp}/none", "--index", "{tmp}/new"], 1, ["none", "no such file or folder"]),
    (["build", "{tmp}/empty", "--index", "{tmp}/new", "--encoder", "small"], 1, ["empty", "no comics found"]),
    (["build", "{comics}", "--index", "{tmp}/new", "--encoder", "nobody"], 2, ["nobody", "small"]),
    (["build"], 2, ["SOURCE"]),
    (["search", "--index", "{index}"], 2, ["Nothing to search for", "Give text"]),
    (["search", "a", "--text", "b", "--index", "{index}"], 2, ["given twice", "Leave out --text"]),
    (["search", "a", "--view", "smell", "--index", "{index}"], 2, ["smell", "'dialogue', 'picture', 'fused', 'any'"]),
    (["search", "a", "--pages", "x-y", "--index", "{index}"], 2, ["--pages", "3-7"]),
    (["search", "a", "--pages", "5-3", "--index", "{index}"], 2, ["--pages 5-3", "larger"]),
    (["search", "a", "-k", "0", "--index", "{index}"], 2, ["'--count'", "0 is not in the range x>=1"]),
    (["search", "--like", "999", "--index", "{index}"], 2, ["no panel 999", "Take a panel id"]),
    (["search", "a", "--year", "9-3", "--index", "{index}"], 2, ["--year 9-3", "larger"]),
    (["search", "a", "--year", "1990-abc", "--index", "{index}"], 2, ["--year", "1990-abc", "1990-1999"]),
    (
        ["build", "{tmp}", "--annotations", "x", "--no-annotations", "--index", "{tmp}/new"],
        2,
        ["--annotations and --no-annotations"],
    ),
    (["build", "{tmp}", "--annotations", "{tmp}/no", "--index", "{tmp}/new"], 1, ["annotations", "are missing"]),
    (["search", "--image", "{tmp}/none.png", "--index", "{index}"], 1, ["none.png"]),
    (["search", "--image", "{tmp}/text.png", "--index", "{index}"], 1, ["not an image"]),
    (["serve", "--index", "{tmp}/none"], 1, ["there is no index"]),
    (["serve", "--index", "{index}", "--auth", "me"], 2, ["NAME:PASSWORD"]),
    (["frobnicate"], 2, ["No such command"]),
]


@pytest.mark.parametrize(("arguments", "status", "expected"), BAD)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    status: int,
    expected: list[str],
    index: Path,
    comics: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bad input ends with its exit status and a sentence that names the thing; never with a traceback."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("Hello world, I am no picture")
    places: dict[str, Any] = {"tmp": tmp_path, "index": index, "comics": comics}
    found, out, err = command(capsys, *(a.format(**places) for a in arguments))
    assert found == status, err
    assert out == ""
    for part in expected:
        assert part in err
    assert "Traceback" not in err
    assert not (tmp_path / "new").exists(), "a failed first build leaves nothing behind"


def test_modules_are_the_same_commands(comics: Path, index: Path) -> None:
    """`python -m index_builder` builds: here there is nothing to do, and it does not load the encoder."""
    done = subprocess.run(
        [sys.executable, "-m", "index_builder", str(comics), "--index", str(index), "--no-ocr", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert (report["pages_unchanged"], report["encoded"]) == (2, 0)
    assert "load encoder" not in report["seconds"]
    done = subprocess.run([sys.executable, "-m", "ui", "--help"], capture_output=True, text=True, check=True)
    assert "Start the web app" in done.stdout


def test_ctrl_c_loses_nothing(comics: Path, tmp_path: Path) -> None:
    """Ctrl-C ends a build with a sentence; the same command finishes it."""
    folder = tmp_path / "stopped.index"
    arguments = [sys.executable, "-m", "ui.cli", "build", str(comics), "--index", str(folder), "--no-ocr"]
    arguments += ["--encoder", "small"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not (folder / "writer.lock").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again to resume" in err
    assert "Traceback" not in err
    done = run("build", str(comics), "--index", str(folder), "--encoder", "small", "--no-ocr", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["panels"] == 8
