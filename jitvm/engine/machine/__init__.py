"""Machines: their tiers, what watches them, and what can be asked of them."""
