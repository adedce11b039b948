"""Other ways to search vectors, measured in the same process as Panelseek's."""
