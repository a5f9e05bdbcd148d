"""What is measured: each module is a section of the page."""
