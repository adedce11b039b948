"""The tab `library` of the web app."""
