"""What every page is built on: routes, access, forms, sessions, templates and responses."""
