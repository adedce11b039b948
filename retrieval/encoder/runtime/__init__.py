"""What executes the encoder's network."""
