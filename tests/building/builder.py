"""Builds in a process of their own, for tests that stop them.

Everything is imported once; then each line on standard input, INDEX LOG WORKERS PANELS_PER_COMMIT SOURCE... between
tabs, is a build in a forked child. Printed are `pid N`, what the child prints, and `exit STATUS` (negative: a signal).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import retrieval.search.searcher  # noqa: F401 (imported now, so that a build starts at once)
from index_builder import build_index
from index_builder.write import encode
from retrieval.errors import PanelseekError
from tests.conftest import GridEncoder


class SlowEncoder(GridEncoder):
    """Takes a moment, as real encoders do."""

    def encode(self, panels: Any, **more: Any) -> Any:
        encoded = super().encode(panels, **more)
        time.sleep(0.003 * len(panels))
        return encoded


def run(index: str, log: str, workers: str, per_commit: str, *sources: str) -> int:
    encode._PANELS_PER_COMMIT = int(per_commit)
    try:
        encoder = SlowEncoder(Path(log))
        report = build_index(
            sources, index, encoder=encoder, workers=int(workers), batch_size=int(per_commit), ocr=False
        )
    except PanelseekError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        return 130
    print("done", report.panels, flush=True)
    return 0


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
            os._exit(run(*line.rstrip("\n").split("\t")))
        print(f"pid {pid}", flush=True)
        print(f"exit {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}", flush=True)


if __name__ == "__main__":
    main()
