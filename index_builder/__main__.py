"""`python -m index_builder` is `panelseek build`.

The command line lives in `ui`, which imports this package and not the other way round; only this
entry point, which nothing imports, looks up to it.
"""

import sys

if __name__ == "__main__":
    from importlib import import_module

    import_module("ui.cli.main").main(["build", *sys.argv[1:]])
