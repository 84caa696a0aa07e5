"""Platforms: how guests are found, loaded and run by whoever knows none of them."""
