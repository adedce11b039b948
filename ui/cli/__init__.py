"""The command `panelseek`: one module for each command or small family of commands."""
