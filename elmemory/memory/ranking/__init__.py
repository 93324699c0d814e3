"""Ranking one caller's memories against a question, whichever store they come from.

The ranker sees one caller's memories at a time: it can neither starve a caller behind other callers' memories nor show
one caller's memories to another. A memory's score is its BM25 over stemmed words, raised by the turns before and after
it, its conversation as a whole, synonyms, the type of sentence that answers such a question, and the days that the
question names.
"""

from elmemory.memory.ranking.corpus import Corpus, rank

__all__ = ["Corpus", "rank"]
