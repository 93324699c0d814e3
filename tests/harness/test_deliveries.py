"""The judge of `bench/faults.py` sees what is lost and what is doubled: a table of zeros is worth what its judge is."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.deliveries import Delivery, Row, deliveries, judge


@pytest.fixture
def made(tmp_path: Path) -> list[Delivery]:
    """Deliveries that were all acknowledged and stored."""
    (tmp_path / "_spool").mkdir()
    made = deliveries(30, random.Random(1), callers=5)
    for delivery in made:
        delivery.acknowledged = True
        path = tmp_path / delivery.conversation_id / delivery.file_name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(delivery.stored)
    return made


@pytest.fixture
def rows(made: list[Delivery]) -> list[Row]:
    """What a store holds when every call has been remembered once."""
    calls = [delivery for delivery in made if delivery.is_call]
    rows = [
        Row(call.caller, content, {"kind": kind, "conversation_id": call.conversation_id})
        for call in calls
        for kind, content in call.memories.elements()
    ]
    callers = [call.caller for call in calls]
    return rows + [
        Row(caller, "", {"kind": "card", "call_count": callers.count(caller)}) for caller in sorted(set(callers))
    ]


def test_what_is_as_it_should_be_is_neither_lost_nor_doubled(
    made: list[Delivery], rows: list[Row], tmp_path: Path
) -> None:
    verdict = judge(made, tmp_path, rows)
    assert (verdict.lost, verdict.doubled, verdict.problems) == (set(), set(), [])


def count_less(rows: list[Row]) -> list[Row]:
    card = Row(rows[-1].user_id, "", {**rows[-1].metadata, "call_count": rows[-1].metadata["call_count"] - 1})
    return [*rows[:-1], card]


def of_another(rows: list[Row]) -> list[Row]:
    return [*rows, Row(rows[-1].user_id, rows[0].memory[1], rows[0].metadata)]


@pytest.mark.parametrize(
    ("change", "lost", "doubled"),
    [
        (lambda rows: rows[1:], 1, 0),
        (lambda rows: rows[:1] + rows, 0, 1),
        (of_another, 0, 1),
        (lambda rows: rows[:-1], 1, 0),
        (lambda rows: [*rows, rows[-1]], 0, 1),
        (count_less, 1, 0),
    ],
    ids=["a memory gone", "a memory twice", "a memory of another caller", "a card gone", "a card twice", "a call less"],
)
def test_the_judge_sees_what_is_wrong_with_memories(
    made: list[Delivery],
    rows: list[Row],
    tmp_path: Path,
    change: Callable[[list[Row]], list[Row]],
    lost: int,
    doubled: int,
) -> None:
    verdict = judge(made, tmp_path, change(rows))
    assert (len(verdict.lost), len(verdict.doubled)) == (lost, doubled)


def test_the_judge_sees_what_is_wrong_with_files(made: list[Delivery], rows: list[Row], tmp_path: Path) -> None:
    paths = [tmp_path / delivery.conversation_id / delivery.file_name for delivery in made]
    paths[0].unlink()
    paths[1].write_bytes(made[1].stored[:-1])
    paths[2].with_suffix(f".12345678{paths[2].suffix}").write_bytes(b"another version")
    (tmp_path / "_spool" / "left").write_bytes(b"")
    verdict = judge(made, tmp_path, rows)
    assert verdict.lost == {made[0].file_name, made[1].file_name}
    assert verdict.doubled == {made[2].file_name}
    assert verdict.problems[-1] == "left behind: _spool/left"
