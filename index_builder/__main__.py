"""Entry point of `python -m index_builder`, which is `panelseek build`.

The command line is in `ui`, which imports this package and not the other way round. Nothing imports this module, so it
may import `ui`.
"""

import sys

if __name__ == "__main__":
    from importlib import import_module

    import_module("ui.cli.main").main(["build", *sys.argv[1:]])
