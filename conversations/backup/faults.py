"""The fault that the commands report."""


class BackupFault(Exception):
    """A backup cannot be made, read or restored; the message says why, and names no caller."""
