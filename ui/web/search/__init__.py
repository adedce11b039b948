"""The view `search` of the page: a question, what narrows it, and its results."""
