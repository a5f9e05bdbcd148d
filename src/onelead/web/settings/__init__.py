"""System Settings."""
