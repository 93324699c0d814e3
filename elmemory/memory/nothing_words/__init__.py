"""The words of phrases for "nothing was said", by language.

A line is `kind: words`. `*` at a word's end stands for any ending, and `_` joins the words of a phrase. The kinds:

no      words of negation ("not", "no")
give    verbs of giving, saying and knowing, and nouns for what is said ("provided", "mention", "information")
mute    verbs of refusing ("declined"), which say nothing together with a verb of giving
alone   words and phrases that say nothing by themselves, also beside the field's own words ("unknown", "n_a")
none    words that say nothing if only `fill` is beside them ("none", but not "none of the family smokes")
name    words that replace a name when there is none ("caller", "guest", "anonymous", "sir")
fill    the other words of such phrases ("the", "did", "call")

Accents, case and apostrophes do not count: "didn't" is `didn` and `t`.
"""

from elmemory.memory.nothing_words.eastern import EASTERN
from elmemory.memory.nothing_words.unspaced import UNSPACED
from elmemory.memory.nothing_words.western import WESTERN

SPACED = f"{WESTERN.strip()}\n\n{EASTERN.strip()}"

__all__ = ["SPACED", "UNSPACED"]
