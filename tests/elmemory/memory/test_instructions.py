import pytest

from elmemory.memory.instructions import person_or_nothing
from tests.harness.injections import COMMANDS


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_is_no_name(text: str) -> None:
    assert person_or_nothing(text) == ""


@pytest.mark.parametrize(
    "name",
    """
    William Tell|Say Wah|Eh Say|Mark Call|Do Thi Hoa|Di La Rosa|Will Smith|Grant Drew|Hay Smith|Sage Okafor|Ruth Read
    Iggy Okafor|Answer Moyo|Ask Hansen|Play Okafor|Go Ara|José de la Cruz|Maria do Carmo|Vergés|Olvido García|Sie Wang
    """.replace("\n", "|").split("|")[1:-1],
)
def test_a_name_that_is_a_verb_as_well_stays_a_name(name: str) -> None:
    assert person_or_nothing(name.strip()) == name.strip()


@pytest.mark.parametrize("name", ["Ana María José Luisa Fernanda", "Anna Berta Clara Dora Emma Flora"])
def test_more_than_four_words_are_no_name(name: str) -> None:
    assert person_or_nothing(name) == ""


@pytest.mark.parametrize(
    ("given", "spoken"),
    [("José de la Cruz y Montoya", "José de la Cruz"), ("Maria do Carmo da Silva", "Maria do Carmo")],
)
def test_particles_are_not_counted_among_the_words_of_a_name(given: str, spoken: str) -> None:
    assert person_or_nothing(given) == spoken


def test_a_remark_behind_a_name_does_not_cost_the_name() -> None:
    assert person_or_nothing("Maya (say it as Maia)") == "Maya"
