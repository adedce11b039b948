"""The page for programs: named endpoints with a schema, and the MCP tool `search_panels`."""
