"""The five sectors of OpenMemory, told by the words of a text as its servers do."""

import re

from elmemory.memory.openmemory.protocol import Sector

_SIGNS: dict[Sector, re.Pattern[str]] = {
    "episodic": re.compile(
        r"\b(yesterday|today|tomorrow|tonight|last (?:week|month|year|night|time)|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
        r"|ago|remember when|went|visited|happened|met|moved|called|call on)\b"
    ),
    "procedural": re.compile(
        r"\b(how to|step|steps|first,|then|next,|finally|click|press|install|configure|set up|turn (?:on|off)|instructions?)\b"
    ),
    "emotional": re.compile(
        r"\b(love|hate|happy|sad|angry|worried|afraid|scared|anxious|excited|upset|frustrated|annoyed|glad|feel|feeling"
        r"|felt|sorry|thank(?:s| you)|great|terrible|awful|wonderful)\b"
    ),
    "reflective": re.compile(
        r"\b(realis\w+|realiz\w+|learned|learnt|lesson|insight|i think|i believe|i wonder|looking back|in hindsight"
        r"|understand now|pattern)\b"
    ),
    "semantic": re.compile(
        r"\b(is|are|was|has|have|means|called|named|lives?|works?|allerg\w+|prefers?|name|email|address|number|birthday)\b"
    ),
}
SECTORS = tuple(_SIGNS)


def sectors_of(content: str, forced: object = None) -> tuple[Sector, ...]:
    """The sectors of a text, the primary one first; `forced` (`metadata["sector"]`) decides where it names one."""
    if forced in SECTORS:
        return (forced,)
    text = content.casefold()
    found = {sector: len(sign.findall(text)) for sector, sign in _SIGNS.items()}
    # Knowing is the rule and the rest the exception: a sector needs a sign of its own to come first.
    ranked = sorted((s for s in SECTORS if s != "semantic" and found[s]), key=lambda s: -found[s])
    if not ranked or found["semantic"] > found[ranked[0]]:
        ranked.insert(0, "semantic")
    return tuple(ranked)
