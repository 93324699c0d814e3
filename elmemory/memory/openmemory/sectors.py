"""The five sectors of OpenMemory, told by the words of a text as its servers do."""

import re

from elmemory.memory.records import Sector

_WORDS: dict[Sector, str] = {
    "episodic": (
        "yesterday|today|tomorrow|tonight|last (?:week|month|year|night|time)|ago|remember when"
        "|(?:mon|tues|wednes|thurs|fri|satur|sun)day|went|visited|happened|moved|call on"
    ),
    "procedural": (
        "how to|steps?|first,|then|next,|finally|click|press|install|configure|set up|turn (?:on|off)|instructions?"
    ),
    "emotional": (
        "love|hate|happy|sad|angry|worried|afraid|scared|anxious|excited|upset|frustrated|annoyed|glad|feel"
        "|feeling|felt|sorry|thanks|thank you|great|terrible|awful|wonderful"
    ),
    "reflective": (
        r"realis\w+|realiz\w+|learned|learnt|lesson|insight|i think|i believe|i wonder|looking back"
        "|in hindsight|understand now|pattern"
    ),
    "semantic": (
        r"is|are|was|has|have|means|named|lives?|works?|allerg\w+|prefers?|name|email|address|number|birthday"
    ),
}
_SIGNS = {sector: re.compile(rf"\b(?:{words})\b") for sector, words in _WORDS.items()}
SECTORS: tuple[Sector, ...] = tuple(_WORDS)


def sectors_of(content: str, forced: object = None) -> tuple[Sector, ...]:
    """The sectors of a text, the primary one first; `forced` (`metadata["sector"]`) decides where it names one."""
    if forced in SECTORS:
        return (forced,)
    text = content.casefold()
    found = {sector: len(sign.findall(text)) for sector, sign in _SIGNS.items()}
    # Knowing is the rule and the rest the exception: a sector needs a sign of its own to come first.
    ranked: list[Sector] = sorted((s for s in SECTORS if s != "semantic" and found[s]), key=lambda s: -found[s])
    if not ranked or found["semantic"] > found[ranked[0]]:
        ranked.insert(0, "semantic")
    return tuple(ranked)
