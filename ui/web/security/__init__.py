"""Checks between the network and the web app: names, origins, addresses, sizes and times of requests."""
