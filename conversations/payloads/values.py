"""Values of payloads, read leniently."""


def number(value: object) -> float | None:
    """A number, or one written as text; None for anything else, and for what no time and no duration can be."""
    match value:
        case bool():
            return None
        case int() | float():
            return value if abs(value) < 2**53 else None
        case str() if value.isascii() and value.isdecimal() and len(value) < 16:
            return int(value)
    return None


def well_formed(text: str) -> str:
    """The text with lone surrogates, which no database and no wire takes, replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
