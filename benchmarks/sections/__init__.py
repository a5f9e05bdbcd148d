"""What is measured, one section of the page a module."""
