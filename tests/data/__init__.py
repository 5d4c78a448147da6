"""Datasets, samplers and loaders, compared with torch where it has an opinion."""
