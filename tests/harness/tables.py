"""Tables of short texts."""


def values(text: str) -> list[str]:
    """The texts of the lines, and those that "|" separates within one."""
    return [value.strip() for line in text.strip().splitlines() for value in line.split("|")]
