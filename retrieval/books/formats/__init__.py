"""Book formats, one module per family."""
