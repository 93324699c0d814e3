"""The one ranker: a caller's memories against a question, whoever stores them.

It sees one caller's memories at a time, so it can neither starve a caller behind other callers' memories
nor show one caller what another one said. BM25 over stemmed words is the ground; on it stand the turns before
and after, the conversation as a whole, other words for the same thing, the form that an answer to such a question
has, and the days that the question names.
"""

from elmemory.memory.ranking.corpus import Corpus, rank

__all__ = ["Corpus", "rank"]
