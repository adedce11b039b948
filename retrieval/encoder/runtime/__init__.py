"""Runtimes: implementations that execute the encoder's network."""
