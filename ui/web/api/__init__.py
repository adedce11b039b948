"""The API of the web app: the endpoint and MCP tool `search_panels`."""
