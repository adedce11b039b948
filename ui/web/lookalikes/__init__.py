"""The view `lookalikes` of the page."""
