"""Finds the current ones of the lasting sentences about a caller that ElevenLabs' analysis extracts.

A later sentence replaces an earlier one that says the same, or has another value for the same subject: "Olive takes 2.5
mg methimazole" and "Olive now takes 5 mg methimazole". Only the card omits the earlier one; memory keeps it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from elmemory.memory.caches import kept_briefly
from elmemory.memory.kinds import INSIGHT, MESSAGE, is_stated
from elmemory.memory.ranking.words import UNSPACED, folded
from elmemory.memory.records import Match, Memory
from elmemory.memory.subjects import CALLER, replaces, says_the_same
from elmemory.memory.text import cleaned

# Without digits: they are in amounts, dates and codes.
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
_NUMERALS = re.compile("[〇零一二三四五六七八九十百千万两]+")
_SHORTEST, _SHORTEST_TELLING, _LONGEST_START = 4, 6, 6
_FEWEST_IN_COMMON = 2
_SHARE_OF_PAIRS = 0.85


class Subject(NamedTuple):
    """What a sentence is about: the beginnings of its words; for unspaced scripts, pairs of characters.

    `telling` are long words and capitalised ones: names of people, medicines and things.
    """

    words: frozenset[str]
    telling: frozenset[str]
    pairs: frozenset[str]


def current(insights: Iterable[tuple[str, str]]) -> list[str]:
    """Return the current sentences. `insights` are pairs of call id and sentence. Both are newest first."""
    return [text for (_, text), _ in _with_replaced(list(insights), lambda insight: insight)]


def with_history(newest_first: Iterable[Memory]) -> list[tuple[Memory, list[Memory]]]:
    """Return the current insights, each with the older ones that it replaced. Those of staff count as the newest."""
    ordered = sorted(newest_first, key=is_stated, reverse=True)
    return _with_replaced(ordered, _said_in)


def replaced_by_staff(newest_first: Iterable[Memory]) -> list[Memory]:
    """Return the insights that statements of staff replaced. Faster than `with_history`, which is quadratic."""
    ordered = sorted(newest_first, key=is_stated, reverse=True)
    return [old for _, replaced in _with_replaced(ordered, _said_in, keeps=is_stated) for old in replaced]


def _said_in(memory: Memory) -> tuple[str, str]:
    return str(memory.metadata.get("conversation_id")), cleaned(memory.content)


def _with_replaced[T](
    newest_first: Sequence[T],
    call_and_text: Callable[[T], tuple[str, str]],
    keeps: Callable[[T], bool] = lambda _: True,
) -> list[tuple[T, list[T]]]:
    """Return the current items for which `keeps` is true, each with the items that it replaced.

    Two values that one call states side by side belong to two things, so other values do not replace them.
    """
    calls: dict[str, list[str]] = {}
    for call, text in map(call_and_text, newest_first):
        calls.setdefault(call, []).append(text)
    kept: list[tuple[T, list[T]]] = []
    for item in newest_first:
        call, text = call_and_text(item)
        is_beside_another = any(
            not says_the_same(text, other) and (replaces(text, other) or replaces(other, text)) for other in calls[call]
        )
        for newer, replaced in kept:
            newer_call, newer_text = call_and_text(newer)
            may_replace = newer_call != call and not is_beside_another
            if says_the_same(newer_text, text) or (may_replace and replaces(newer_text, text)):
                replaced.append(item)
                break
        else:
            if keeps(item):
                kept.append((item, []))
    return kept


def speaks_of(sentence: str, request: str) -> bool:
    """Whether the sentence is about this request: it has all its telling words, or repeats a part of it."""
    new, old = subject_of(sentence), subject_of(request)
    if old.pairs:
        return len(old.pairs & new.pairs) >= max(_FEWEST_IN_COMMON, _SHARE_OF_PAIRS * len(old.pairs))
    names_all = len(old.telling) >= _FEWEST_IN_COMMON and old.telling <= new.words
    return names_all or (len(new.words) >= _FEWEST_IN_COMMON and new.words <= old.words)


def above_the_same(matches: Sequence[Match]) -> list[Match]:
    """Move each insight above the caller's sentences on the same subject, because it is more complete."""
    ranked = list(matches)
    for match in matches:
        if match.memory.kind != INSIGHT:
            continue
        at = ranked.index(match)
        for place, other in enumerate(ranked[:at]):
            if other.memory.kind == MESSAGE and _shares_subject(match.memory.content, other.memory.content):
                ranked.insert(place, Match(ranked.pop(at).memory, other.score))
                break
    return ranked


def _shares_subject(insight: str, sentence: str) -> bool:
    """Whether the sentence shares half of the insight's words or pairs of characters, and at least two."""
    whole, part = subject_of(insight), subject_of(sentence)
    return any(
        len(of_insight & of_sentence) >= max(_FEWEST_IN_COMMON, len(of_insight) / 2)
        for of_insight, of_sentence in ((whole.words, part.words), (whole.pairs, part.pairs))
    )


@kept_briefly(maxsize=1 << 12)
def subject_of(sentence: str) -> Subject:
    runs = _UNSPACED_RUN.findall(_NUMERALS.sub("", folded(sentence)))
    pairs = {run[start : start + 2] for run in runs for start in range(len(run) - 1)}
    words, telling = set(), set()
    for found in _WORD.finditer(_UNSPACED_RUN.sub(" ", sentence)):
        word = folded(found.group())
        is_named = found.start() > 0 and found.group()[0].isupper()
        if CALLER.match(word) or (len(word) < _SHORTEST and not is_named):
            continue
        words.add(word[:_LONGEST_START])
        if is_named or len(word) >= _SHORTEST_TELLING:
            telling.add(word[:_LONGEST_START])
    return Subject(frozenset(words), frozenset(telling), frozenset(pairs))
