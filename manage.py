#!/usr/bin/env python
import sys

if __name__ == "__main__":
    from elmemory.__main__ import execute

    execute(sys.argv)
