"""Entry point of `python -m ui`, which is `panelseek serve`."""

import sys

from ui.cli.main import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
