"""Backups: their contents, writing them, and restoring them."""
