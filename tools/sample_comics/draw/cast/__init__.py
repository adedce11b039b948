"""People, animals and machines: their looks, heads, bodies and poses."""
