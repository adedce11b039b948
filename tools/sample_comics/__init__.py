"""The generator of the sample comics: `python -m tools.sample_comics` from the repository root draws them again."""
