"""The error that the commands report."""


class BackupFault(Exception):
    """A backup cannot be made, read or restored. The message gives the reason, and names no caller."""
