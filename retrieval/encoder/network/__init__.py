"""The published architecture in torch."""
