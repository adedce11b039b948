"""Frame around every tab: the navigation, the address, templates, images, jobs and messages."""
