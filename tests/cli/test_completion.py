"""`panelseek completion`: the scripts, and what bash completes with them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ui.cli.main import panelseek

NEEDS_BASH = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.mark.parametrize(("shell", "sign"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no")])
def test_a_script_for_each_shell(shell: str, sign: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    done = CliRunner().invoke(panelseek, ["completion", shell])
    assert done.exit_code == 0
    assert sign in done.stdout
    assert "_PANELSEEK_COMPLETE" in done.stdout


@NEEDS_BASH
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["sea"], ["search"]),
        (["search", "--no-d"], ["--no-dialogue"]),
        (["search", "--view", "pic"], ["picture"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["info", "--index", "my."], ["compopt dirnames"]),
        (["demo", "--index", ""], ["compopt dirnames"]),
        (["search", "--image", ""], ["compopt default"]),
    ],
)
def test_bash_completes(tmp_path: Path, typed: list[str], expected: list[str]) -> None:
    """The script is read as in `~/.bashrc`, then completes the typed words."""
    program = tmp_path / "panelseek"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ui.cli "$@"\n')
    program.chmod(0o755)
    words = " ".join(map(shlex.quote, ["panelseek", *typed]))
    script = (
        'compopt() { echo "compopt $2"; }\n'  # bash knows it only while someone types
        'eval "$(panelseek completion bash)"\n'
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}\n"
        "_panelseek_completion panelseek\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if line] == expected
