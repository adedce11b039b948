"""Entry point of `python -m ui.cli`, which is `panelseek`."""

from ui.cli.main import main

if __name__ == "__main__":
    main()
