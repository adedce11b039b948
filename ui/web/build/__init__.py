"""The view `build` of the page."""
