"""Imports of files: the job, its dry run, its reports."""
