"""Arguments of commands that make no sense."""

from argparse import ArgumentParser
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import CommandParser

NO_NUMBER = ["", " ", "-1", "1e3", "1_0", "٣", "five", "nan", "inf", "0x10", "9" * 30]
WHOLE_NUMBERS: list[tuple[str, ...]] = [
    ("worker", "--jobs"), ("reprocess", "--jobs"), ("backup", "x", "--keep"), ("forget_caller", "--not-called-for"),
    ("serve", "--port"), ("openmemory", "--port"), ("tunnel", "--port"), ("audit", "certificate"),
    ("simulate", "--calls"), ("simulate", "--callers"),
]  # fmt: skip
RATES = [("simulate", "--rate"), ("backfill", "--rate")]


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        call_command(*arguments)
    return str(error.value)


@pytest.mark.parametrize("command", WHOLE_NUMBERS)
def test_what_is_no_whole_number_above_zero_is_refused(command: tuple[str, ...]) -> None:
    for text in ("0", "1.5", *NO_NUMBER):
        option, last = command[:-1], command[-1]
        given = (*option, f"{last}={text}") if last.startswith("-") else (*command, "--", text)
        assert "write a whole number from 1 to " in refused(*given), text


@pytest.mark.parametrize("command", RATES)
def test_what_is_no_rate_is_refused(command: tuple[str, str]) -> None:
    for text in ("-0.5", ".5", *NO_NUMBER):
        message = refused(command[0], f"{command[1]}={text}")
        assert "write a number per second, such as 5 or 0.5; 0 is no limit" in message, text


@pytest.mark.parametrize("command", ["backfill", "reprocess"])
def test_days_that_are_none_and_periods_that_end_before_they_begin_are_refused(command: str) -> None:
    for text in ("", "yesterday", "2026-02-30", "2026-13-01", "01.11.2026"):
        assert "is not a day or time" in refused(command, f"--since={text}"), text
    assert "--until must be later than --since" in refused(
        command, "--since", "2026-11-02", "--until", "2026-11-02T00:00"
    )


def own_commands() -> Iterator[tuple[str, CommandParser]]:
    for name, app in get_commands().items():
        if not app.startswith(("django.", "axes", "tests.")):
            yield name, load_command_class(app, name).create_parser("manage.py", name)


def undescribed(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if not action.help and not action.choices:
            yield action.dest
        if isinstance(action.choices, dict):
            for each in action.choices.values():
                if isinstance(each, ArgumentParser):
                    yield from undescribed(each)


def test_the_help_of_each_command_describes_each_argument() -> None:
    commands = dict(own_commands())
    assert {"serve", "worker", "audit", "restore"} <= set(commands)
    assert {name: found for name, parser in commands.items() if (found := list(undescribed(parser)))} == {}


IDLE = [
    ("backup", "all.tar.zst", "--keep", "3"), ("backup", "folder", "--memories"),
    ("verify", "--backup", "x", "--repair"),
    ("move_memories", "--to", "x", "--verify", "--delete-extra"),
    ("move_memories", "--to", "x", "--verify", "--dry-run"),
    ("forget_caller", "+14155550100", "--sentences", "x"), ("forget_caller", "--verify", "+14155550100", "--dry-run"),
    ("backfill", "--analyse", "--no-audio"), ("simulate", "--callers", "3"), ("simulate", "--rate", "3"),
    ("simulate", "--calls", "3", "--name", "Ada"), ("simulate", "--calls", "3", "--scenario", "long"),
    ("simulate", "--replay", "x", "--cleanup"),
]  # fmt: skip


@pytest.mark.parametrize("command", IDLE)
def test_an_option_that_would_have_no_effect_is_refused(command: tuple[str, ...]) -> None:
    assert any(words in refused(*command) for words in ("has an effect only ", "only searches", "leave --scenario out"))
