"""Tier 2, all regions of a machine: what to compile and when, what is installed and what is
kept."""
