"""The tab `search` of the web app: the query, the filters and the results."""
