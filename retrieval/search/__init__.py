"""Search: encode the query, retrieve candidates, rank them, collect hits."""
