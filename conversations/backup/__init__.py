"""Backups: what they hold, how they are written, and how they come back."""
