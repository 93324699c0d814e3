"""The client of ElevenLabs' API: the real SDK against the fake ElevenLabs."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from elmemory.agents.api import Api, ElevenLabsError
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.agent(AGENT),
        lambda api: api.create_secret("name", "value"),
        lambda api: api.conversation("conv_1"),
        lambda api: list(api.audio("conv_1")),
    ],
)
def test_a_redirect_is_an_error_and_takes_the_key_to_no_other_server(
    settings: Settings, ask: Callable[[Api], object]
) -> None:
    with FakeElevenLabs() as fake, FakeElevenLabs() as other:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, fake.url
        fake.redirects_to = other.url
        with Api() as api, pytest.raises(ElevenLabsError, match=r"redirect \(307\).*correct ELEVENLABS_BASE_URL"):
            ask(api)
    assert len(fake.requests) == 1
    assert other.requests == []
