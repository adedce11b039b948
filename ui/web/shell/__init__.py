"""What surrounds every view: the navigation, the address, and the pictures that all of them show."""
