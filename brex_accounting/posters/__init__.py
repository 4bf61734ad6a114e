"""Posters that are ready to use. Each is imported from its own module."""
