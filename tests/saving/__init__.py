"""Saving and loading: round trips, files of others, and files that mean harm."""
