"""Ranks one caller's memories, from any store, by how well they answer a question.

The ranker sees one caller's memories only, so other callers' memories can neither displace them nor be disclosed. A
memory's score is its BM25 over stemmed words, raised by adjacent turns, its whole conversation, synonyms, the type of
sentence that answers such a question, and the days that the question names.
"""

from elmemory.memory.ranking.corpus import Corpus, rank
from elmemory.memory.ranking.layout import LEFT_OUT

__all__ = ["LEFT_OUT", "Corpus", "rank"]
