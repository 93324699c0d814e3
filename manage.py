#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "elmemory.settings")
    from django.core.management import execute_from_command_line

    from elmemory.audit.acting import acting
    from elmemory.environment.private_files import set_umask

    set_umask()
    acting.set("command")
    execute_from_command_line(sys.argv)
