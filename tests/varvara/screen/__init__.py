"""The Screen device against a slow model of it."""
