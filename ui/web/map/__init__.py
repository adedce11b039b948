"""The view `map` of the page."""
