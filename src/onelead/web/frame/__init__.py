"""What every page stands on: routes, access, forms, sessions, templates and answers."""
