"""Measurements that check their own results."""
