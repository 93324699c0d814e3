"""The bar that shows who spoke when. It is estimated, since a transcript only says when turns begin."""

from collections.abc import Sequence
from typing import Any

from conversations.admin.transcript import clock

WIDTH, HEIGHT = 1000, 10
# How fast people speak, with a margin; writing without blanks says more with a character.
_CHARACTERS_PER_SECOND, _WIDE_PER_SECOND, _MARGIN_SECONDS = 13, 4, 1.0
# A shorter pause belongs to the turn.
_SHORTEST_SILENCE = 2.0
_WIDE = "\u2e80"


def speaker_bar(turns: Sequence[dict[str, Any]], duration: float | None) -> dict[str, Any]:
    """The paths of the bar by speaker, and the shares in percent; empty for a call without times or length."""
    timed = [turn for turn in turns if turn["seconds"] is not None and turn["role"] in ("caller", "agent")]
    end = max([duration or 0, *(turn["seconds"] for turn in timed)])
    if len(timed) < 2 or not end:
        return {}
    paths, spoken = {"caller": "", "agent": ""}, {"caller": 0.0, "agent": 0.0}
    longest, longest_at = 0.0, 0.0
    for turn, following in zip(timed, [*(turn["seconds"] for turn in timed[1:]), end], strict=True):
        start = turn["seconds"]
        until = min(following, start + _speaking_seconds(turn["message"]))
        silence = following - until
        if silence < _SHORTEST_SILENCE:
            until, silence = max(start, following), 0.0
        if silence > longest:
            longest, longest_at = silence, until
        left, right = round(start / end * WIDTH), round(until / end * WIDTH)
        paths[turn["role"]] += f"M{left} 0h{max(1, right - left)}v{HEIGHT}H{left}z"
        spoken[turn["role"]] += max(0.0, until - start)
    shares = {role: round(100 * seconds / end) for role, seconds in spoken.items()}
    return {
        "box": f"0 0 {WIDTH} {HEIGHT}",
        **paths,
        "seconds": end,
        "shares": shares | {"silence": max(0, 100 - sum(shares.values()))},
        "longest": clock(longest) if longest else "",
        "longest_at": clock(longest_at),
    }


def _speaking_seconds(message: str) -> float:
    wide = sum(character >= _WIDE for character in message)
    return (len(message) - wide) / _CHARACTERS_PER_SECOND + wide / _WIDE_PER_SECOND + _MARGIN_SECONDS
