"""Lays out one caller's memories as the conversations from which they come, and their texts as codes of terms."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, chain, repeat
from operator import attrgetter
from typing import NamedTuple

from elmemory.memory import kinds
from elmemory.memory.ranking.languages import ENGLISH, is_english, language_of, language_stated, spoken_words
from elmemory.memory.ranking.sentence_types import plain_type
from elmemory.memory.ranking.term_codes import TermCodes
from elmemory.memory.records import Memory

# Takes the place of a memory that is no longer found, so that the others keep their numbers.
LEFT_OUT = Memory("", "", "")
# Two empty turns, so that unrelated turns are not adjacent.
_GAP = -(2**31)
_GAPS = (_GAP, _GAP)
_SOLITARY = ""
# Bounds the time for which splitting texts into words blocks other threads.
_TURNS_AT_ONCE = 64
_WORDS_TO_KNOW_ENGLISH, _WORDS_TO_KNOW_A_LANGUAGE = 40, 400


class _Part(NamedTuple):
    """The turns of a conversation, or those without one (_SOLITARY).

    `stated` is the language that its memories or its words state, or empty. `codes` are those of its terms in
    `language`; by turn, `lengths` counts them, and `types` has the type of the sentence.
    """

    conversation: str
    order: tuple[bool, int]
    turns: "array[int]"
    stated: str = ""
    language: str = ""
    codes: str = ""
    lengths: "array[int]" = array("I")
    types: "array[int]" = array("B")


class Layout:
    """The turns of all conversations of one caller, in order. Immutable.

    A memory is known by its number, its index in `memories`. A turn is the number of a memory, or the complement (~) of
    that number for what the agent said before it, or a gap. A place is an index into the turns of all conversations:
    `turn_at`, `conversation_at` (-1 for none), `lengths` (in terms) and `type_at` are by place. `text` has the codes of
    all terms in order, and `codes` the code of each term.

    `before` is the layout of as many memories or fewer: only the conversations of those that were `changed` since are
    laid out. The result is the same as without it.
    """

    def __init__(self, memories: Sequence[Memory], before: "Layout | None" = None) -> None:
        self.memories = memories
        known = before.memories if before else ()
        pairs = zip(memories, chain(known, repeat(LEFT_OUT)), strict=False)
        self.changed = [number for number, (now, old) in enumerate(pairs) if now is not old]
        self.parts: dict[str, _Part]
        self.codes: dict[str, str]
        parts = dict(before.parts) if before else {_SOLITARY: self._arranged(_SOLITARY, ())}
        for name, numbers in self._of_changed(known, parts).items():
            if numbers or name == _SOLITARY:
                parts[name] = self._arranged(name, numbers)
            else:
                del parts[name]
        solitary = parts.pop(_SOLITARY)
        conversations = sorted(parts.values(), key=attrgetter("order"))
        unknown = [part.turns for part in conversations if not part.stated]
        other = self._language_of(unknown or ([] if conversations else [solitary.turns]))
        languages = Counter({other: 0})
        for part in conversations:
            languages[part.stated or other] += len(part.turns)
        # The language of most turns is also used for facts, and for questions that could be in any language.
        self.language = max(languages, key=languages.__getitem__)
        self.languages = {*languages, ENGLISH}
        codes = TermCodes(before.codes if before else {})
        in_order = [self._coded(part, part.stated or other, codes) for part in conversations]
        in_order.append(self._coded(solitary, self.language, codes))
        self.parts = {part.conversation: part for part in in_order}
        self.turn_at, self.conversation_at = array("i"), array("i")
        self.lengths, self.type_at = array("I"), array("B")
        for number, part in enumerate(in_order):
            self.turn_at.extend(part.turns)
            self.lengths.extend(part.lengths)
            self.type_at.extend(part.types)
            self.conversation_at.extend([-1 if part.conversation == _SOLITARY else number] * len(part.turns))
        self.lengths_of_conversations = [len(part.codes) for part in in_order[:-1]]
        self.text = "".join(part.codes for part in in_order)
        self.codes = self._codes_in_use(codes.codes, before)

    def text_of(self, turn: int) -> str:
        """Return the text of a turn; empty for a gap."""
        if turn >= 0:
            return self.memories[turn].content
        return "" if turn == _GAP else _asked(self.memories[~turn])

    def _of_changed(self, known: Sequence[Memory], parts: dict[str, _Part]) -> dict[str, list[int]]:
        """Return the numbers of the memories of each part in which a memory has changed, in order."""
        numbers = defaultdict[str, list[int]](list)
        for number in self.changed:
            if (memory := self.memories[number]) is not LEFT_OUT:
                numbers[_conversation_of(memory)].append(number)
        if parts:
            for number in self.changed:
                if number < len(known) and known[number] is not LEFT_OUT:
                    numbers[_conversation_of(known[number])] += ()
            for name, some in numbers.items():
                if name in parts:
                    others = {turn for turn in parts[name].turns if turn >= 0}.difference(self.changed)
                    some[:] = sorted(others.union(some))
        return numbers

    def _arranged(self, name: str, numbers: Sequence[int]) -> _Part:
        """Return the turns of a conversation in order, then, after gaps, its summary and insights.

        Solitary are the facts, which are true beyond their conversation, and memories without a conversation, each
        between gaps.
        """
        spoken: list[tuple[int, int]] = []
        apart: list[int] = []
        for number in numbers:
            metadata = self.memories[number].metadata
            position = metadata.get("position")
            if name and isinstance(position, int) and metadata.get("kind") not in (kinds.CALL, kinds.INSIGHT):
                spoken.append((position, number))
            else:
                apart.append(number)
        in_order = [number for _, number in sorted(spoken)]
        turns = array("i", [*self._turns(in_order), *_GAPS])
        for number in apart:
            turns.extend([*self._turns([number]), *_GAPS])
        first = min(in_order or apart, default=0)
        return _Part(name, (not spoken, first), turns, self._language_stated(turns) if name else "")

    def _turns(self, numbers: Iterable[int]) -> Iterator[int]:
        """Yield the turns of these memories, each after the agent's words that it answers, without repeating those."""
        before = ""
        for number in numbers:
            asked = _asked(self.memories[number])
            if asked and asked != before:
                yield ~number
                before = asked
            yield number

    def _coded(self, part: _Part, language: str, codes: TermCodes) -> _Part:
        """Return the part with codes of its terms in this language."""
        if part.language == language:
            return part
        all_coded, lengths, types = "", array("I"), array("B")
        for turns in batched(part.turns, _TURNS_AT_ONCE):
            texts = [self.memories[turn].content if turn >= 0 else self.text_of(turn) for turn in turns]
            coded, first_person = codes.of_texts(language, texts)
            all_coded += "".join(coded)
            lengths.extend(map(len, coded))
            types.extend(map(plain_type, texts, first_person))
        return part._replace(language=language, codes=all_coded, lengths=lengths, types=types)

    def _codes_in_use(self, codes: dict[str, str], before: "Layout | None") -> dict[str, str]:
        """Return the codes without those of terms that only replaced parts had."""
        replaced = (
            [part.codes for name, part in before.parts.items() if self.parts.get(name) is not part] if before else ()
        )
        unused = {code for code in set("".join(replaced)) if code not in self.text}
        return {term: code for term, code in codes.items() if code not in unused} if unused else codes

    def _language_stated(self, turns: Sequence[int]) -> str:
        """Return the language of a conversation: as stored in a memory, or English by its words; else empty."""
        for turn in turns:
            code = turn >= 0 and self.memories[turn].metadata.get("main_language")
            if code and (stated := language_stated(code)):
                return stated
        return ENGLISH if is_english(self._some_words(turns, _WORDS_TO_KNOW_ENGLISH)) else ""

    def _language_of(self, conversations: Iterable[Sequence[int]]) -> str:
        return language_of(self._some_words(chain.from_iterable(conversations), _WORDS_TO_KNOW_A_LANGUAGE))

    def _some_words(self, turns: Iterable[int], most: int) -> set[str]:
        spoken: set[str] = set()
        for turn in turns:
            spoken.update(spoken_words(self.text_of(turn)))
            if len(spoken) > most:
                break
        return spoken


def _conversation_of(memory: Memory) -> str:
    conversation = memory.metadata.get("conversation_id")
    return str(conversation) if conversation and memory.metadata.get("kind") != kinds.FACT else _SOLITARY


def _asked(memory: Memory) -> str:
    return str(memory.metadata.get("asked") or "")
