"""The view `library` of the page."""
