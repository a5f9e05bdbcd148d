"""Leads as rows, and reading them."""
