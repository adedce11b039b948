"""Book formats, one module a family."""
