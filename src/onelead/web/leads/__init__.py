"""The list of leads, a lead's page and form, and bulk changes."""
