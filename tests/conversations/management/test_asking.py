"""Questions of commands: only "yes" on a terminal lets them act."""

import os
import sys
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError

from conversations.management.asking import ask

_END_OF_INPUT = b"\x04"


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A descriptor for typing on the terminal of this process."""
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal) as screen:
        monkeypatch.setattr(sys, "stdin", screen)
        yield keyboard
    os.close(keyboard)


def asked() -> None:
    ask("Delete?", "nothing was deleted", "this deletes")


@pytest.mark.parametrize("typed", [b"y\n", b"Yes\n"])
def test_yes_lets_the_command_act(keyboard: int, typed: bytes) -> None:
    os.write(keyboard, typed)
    asked()


@pytest.mark.parametrize("typed", [b"n\n", b"\n", _END_OF_INPUT])
def test_every_other_answer_ends_the_command_in_one_line(keyboard: int, typed: bytes) -> None:
    os.write(keyboard, typed)
    with pytest.raises(CommandError, match="nothing was deleted"):
        asked()
