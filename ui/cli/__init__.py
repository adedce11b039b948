"""The command `panelseek`."""
