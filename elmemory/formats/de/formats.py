"""Dates in German as Django writes them, times with their zone."""

DATE_FORMAT = "j. F Y"
DATETIME_FORMAT = "j. F Y, H:i T"
