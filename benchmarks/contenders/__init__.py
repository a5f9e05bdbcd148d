"""What is measured side by side, each contender in a module that says why it is compared fairly."""
