"""Attacks on a running server. Each returns what was found; `Attack.expected` says what must be."""
