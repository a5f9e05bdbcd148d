"""The list of leads, a lead's page and its form, and changes of many leads."""
