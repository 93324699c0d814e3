"""Which lasting sentences about a caller are current: newer ones replace those about the same subject."""

import pytest

from elmemory.memory.insights import current, replaces


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Olive now takes 5 mg methimazole twice a day.", "Olive takes 2.5 mg methimazole twice a day."),
        ("Biscuit no longer takes prednisolone.", "Biscuit takes 5 mg prednisolone once a day."),
        ("The caller's son Theo is allergic to nuts.", "The caller's son Theo is allergic to nuts."),
        ("Le code de l'immeuble est 76A.", "Le code de l'immeuble est 41B2."),
        ("A matrícula do Clio é 32-OB-45.", "A matrícula do Clio é 32-OB-15."),
        ("Pacjentka bierze teraz Letrox 75.", "Pacjentka bierze Letrox 50."),
        ("来电者住八号楼二十二层。", "来电者住八号楼十二层。"),
        ("来电者现在服用氨氯地平2.5毫克。", "来电者服用氨氯地平5毫克。"),
    ],
)
def test_a_newer_sentence_about_the_same_subject_replaces_the_older_one(newer: str, older: str) -> None:
    assert replaces(newer, older)
    assert current([newer, older]) == [newer]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Biscuit takes 5 mg prednisolone once a day.", "Olive takes 5 mg prednisolone once a day."),
        ("Olive takes 5 mg prednisolone twice a day.", "Olive takes 5 mg methimazole twice a day."),
        ("The caller's son Theo is allergic to nuts.", "The caller's daughter Lina is allergic to nuts."),
        ("The caller's son Theo is allergic to nuts.", "The caller's son Theo is afraid of the drill."),
        ("The caller works nights.", "The caller lives alone."),
        ("Die Anruferin zieht im Juli nach Kassel.", "Die Anruferin nimmt Marcumar."),
        ("来电者服用硝苯地平5毫克。", "来电者服用氨氯地平5毫克。"),
        ("Anything at all.", ""),
    ],
)
def test_other_people_medicines_and_things_are_never_replaced(newer: str, older: str) -> None:
    assert not replaces(newer, older)
    assert current([newer, older]) == [newer, older]


def test_the_newest_sentences_come_first() -> None:
    spoken = ["The caller works nights.", "The caller has two cats, Olive and Biscuit.", "The caller works nights."]
    assert current(spoken) == spoken[:2]
