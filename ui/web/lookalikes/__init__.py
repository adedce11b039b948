"""The tab `lookalikes` of the web app."""
