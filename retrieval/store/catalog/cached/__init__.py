"""Parts of a SQLite catalog that are kept in memory between questions, as arrays, until the catalog changes."""
