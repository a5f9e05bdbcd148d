"""Imports of files: the SQL that both engines share."""
