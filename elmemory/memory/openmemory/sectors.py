"""Chooses OpenMemory's sectors for a text by its words, like its server v1.2.3.

Later servers use more and other words; docs/openmemory.md describes the effect.
"""

import re
from typing import NamedTuple

from elmemory.memory.records import Sector


class _Signs(NamedTuple):
    """A sector's weight, and its groups of words. A group counts once, even if a text has several of its words.

    A group is words separated by blanks. In a word, `_` is a blank, `#` a digit, `*` any letters.
    """

    weight: float
    groups: tuple[str, ...]


_SIGNS: dict[Sector, _Signs] = {
    "episodic": _Signs(
        1.2,
        (
            "yesterday today last_week that_time recall remember_when",
            "i_did i_felt i_met i_saw i_went",
            "at_#:## at_##:## in_#### on_*day",
            "event experience happened moment occurred",
        ),
    ),
    "semantic": _Signs(
        1.0,
        (
            "concept define definition meaning theory",
            "fact_about facts_about how_does what_is why_do",
            "algorithm law method principle rule",
            "data information knowledge research study",
        ),
    ),
    "procedural": _Signs(
        1.1,
        (
            "how_to procedure process step_by_step",
            "afterwards finally first next then",
            "configure execute install run setup",
            "guide instructions manual tutorial",
            "class click const def enter function import let press return select type var",
        ),
    ),
    "emotional": _Signs(
        1.3,
        (
            "emotion feel feeling felt mood",
            "angry anxious calm excited happy sad worried",
            "dislike enjoy fear hate like love",
            "amazing awful fantastic horrible terrible wonderful",
        ),
    ),
    "reflective": _Signs(
        0.8,
        (
            "reflect reflection think thinking thought",
            "conclusion insight lesson realize understand",
            "impact meaning purpose significance why",
            "belief philosophy principle value wisdom",
            "could_have if_only should_have what_if",
        ),
    ),
}
SECTORS: tuple[Sector, ...] = tuple(_SIGNS)
WEIGHTS = {sector: signs.weight for sector, signs in _SIGNS.items()}
_SHOUTING = re.compile("[!?]{2}")
# The server gives half a sign for a second one in a phrase, and for shouting.
_SAID_OF_ONESELF, _SHOUTED = 0.5, 0.5
_LEAST_SHARE = 0.3


def _pattern(group: str) -> re.Pattern[str]:
    words = "|".join(group.split()).replace("_", r"\s+").replace("#", r"\d").replace("*", r"\w+")
    return re.compile(rf"\b(?:{words})\b", re.ASCII | re.IGNORECASE)


_GROUPS = {sector: [_pattern(group) for group in signs.groups] for sector, signs in _SIGNS.items()}


def sectors_of(content: str, forced: object = None) -> tuple[Sector, ...]:
    """Return the sectors of a text, the primary one first; only `forced` (`metadata["sector"]`) if it is a sector."""
    if forced in SECTORS:
        return (forced,)
    scores: dict[Sector, float] = {
        sector: sum(bool(pattern.search(content)) for pattern in patterns) for sector, patterns in _GROUPS.items()
    }
    if _GROUPS["episodic"][1].search(content):
        scores["episodic"] += _SAID_OF_ONESELF
    if _SHOUTING.search(content):
        scores["emotional"] += _SHOUTED
    weighed = {sector: 2 * WEIGHTS[sector] * score for sector, score in scores.items()}
    primary, *others = sorted(SECTORS, key=lambda sector: -weighed[sector])
    if not weighed[primary]:
        return ("semantic",)
    least = max(1.0, _LEAST_SHARE * weighed[primary])
    return (primary, *(sector for sector in others if weighed[sector] >= least))
