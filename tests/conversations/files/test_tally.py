"""The counts of the workers."""

from pathlib import Path

from conversations.files.tally import COUNTED, Tally, totals


def test_counts_of_all_workers_are_added_up(payloads: Path) -> None:
    one, other = Tally(), Tally()
    one.add(remembered=2, seconds=0.5)
    other.add(remembered=1, parked=1)
    one.save()
    other.save()
    assert totals() == {"remembered": 3, "parked": 1, "failed": 0, "seconds": 0.5, "errors": 0}
    one.close()
    other.close()
    assert {path.name for path in (payloads / "_workers").iterdir()} == {"0", "1"}


def test_a_worker_goes_on_where_the_last_one_stopped(payloads: Path) -> None:  # noqa: ARG001
    for _ in range(3):
        tally = Tally()
        tally.add(remembered=1)
        tally.close()
    assert totals()["remembered"] == 3


def test_garbage_counts_as_nothing(payloads: Path) -> None:
    (payloads / "_workers").mkdir(parents=True)
    for name, content in (("0", b"\0" * 300), ("1", b'{"remembered": null}'), ("2", b"[]"), ("3", b"")):
        (payloads / "_workers" / name).write_bytes(content)
    assert totals() == dict.fromkeys(COUNTED, 0)
    tally = Tally()
    tally.add(failed=1)
    tally.close()
    assert totals()["failed"] == 1


def test_a_folder_that_cannot_be_written_loses_counts_alone(payloads: Path) -> None:
    payloads.mkdir()
    (payloads / "_workers").write_text("in the way")
    tally = Tally()
    tally.add(remembered=1)
    tally.save()
    (payloads / "_workers").unlink()
    tally.close()
    assert totals()["remembered"] == 1
