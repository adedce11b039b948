"""The chosen panel on its page, over whichever view it was opened from."""
