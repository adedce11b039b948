"""Run the command line: `python -m ui.cli` is `panelseek`."""

from ui.cli.main import main

if __name__ == "__main__":
    main()
