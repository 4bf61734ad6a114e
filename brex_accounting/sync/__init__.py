"""Durable export: what was seen, posted and reported, kept so that a crash loses nothing and doubles nothing."""
