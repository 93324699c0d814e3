"""ElevenLabs' API through its SDK: JSON in, JSON out, and errors that say what to do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any, Self

import structlog
from django.conf import settings

from elmemory.environment.hosts import unencrypted

log = structlog.get_logger(__name__)

_PAGE = 100
# A list ends after so many pages, or after so many empty or repeated pages in a row.
_MOST_PAGES = 10_000
_MOST_REPEATS = 10


class ElevenLabsError(Exception):
    """A request failed. `status` is the HTTP status of the answer, 0 if there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The part of the API that is used here. Every method may raise ElevenLabsError.

    Objects are the API's unchanged JSON. The SDK's models add and convert fields, which must not be written back.
    """

    def __init__(self, timeout: float = 60, most_per_second: float = 0) -> None:
        if not (key := settings.ELEVENLABS_API_KEY):
            raise ElevenLabsError("ELEVENLABS_API_KEY is not set: make a key at elevenlabs.io (Developers, API keys)")
        if unencrypted(settings.ELEVENLABS_BASE_URL) == "remote":
            raise ElevenLabsError("ELEVENLABS_BASE_URL is http://: the key would cross the network in the clear")
        import httpx
        from elevenlabs.client import ElevenLabs

        self._least_seconds_between = 1 / most_per_second if most_per_second else 0.0
        self._next_at = 0.0
        self._http = httpx.Client(timeout=timeout)  # a redirect would take the key to another server
        self._sdk: ElevenLabs = ElevenLabs(
            api_key=key, base_url=settings.ELEVENLABS_BASE_URL or None, timeout=timeout, httpx_client=self._http
        )
        self.ahead_seconds: float | None = None  # how far this clock is ahead of ElevenLabs', by the last answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def secrets(self) -> list[dict[str, Any]]:
        """Return `[{"secret_id", "name", …}]`; ElevenLabs never returns the value of a secret."""
        return self._pages(self._agents_api.secrets.with_raw_response.list, "secrets")

    def create_secret(self, name: str, value: str) -> None:
        self._write(self._agents_api.secrets.with_raw_response.create, name=name, value=value)

    def webhooks(self) -> list[dict[str, Any]]:
        """Return `[{"webhook_id", "name", "webhook_url", "auth_type", "is_disabled", "is_auto_disabled", …}]`."""
        return list(self._json(self._sdk.webhooks.with_raw_response.list)["webhooks"])

    def create_webhook(self, name: str, url: str) -> str:
        """Create an HMAC webhook. Return its secret, which ElevenLabs returns only this once."""
        from elevenlabs.types.webhook_hmac_settings import WebhookHmacSettings

        hmac = WebhookHmacSettings(auth_type="hmac", name=name, webhook_url=url)
        made = self._write(self._sdk.webhooks.with_raw_response.create, settings=hmac)
        return str(made.get("webhook_secret") or "")

    def enable_webhook(self, webhook_id: str, name: str) -> None:
        """Enable the webhook, switch its retries on, and rename it."""
        update = self._sdk.webhooks.with_raw_response.update
        self._write(update, webhook_id, is_disabled=False, name=name, retry_enabled=True)

    def workspace(self) -> dict[str, Any]:
        """Return `{"conversation_initiation_client_data_webhook", "webhooks", …}`, each may be null."""
        return dict(self._json(self._agents_api.settings.with_raw_response.get))

    def update_workspace(self, sections: dict[str, Any]) -> None:
        self._write(self._agents_api.settings.with_raw_response.update, **sections)

    def tools(self) -> list[dict[str, Any]]:
        """Return `[{"id", "tool_config", …}]`."""
        return self._pages(self._agents_api.tools.with_raw_response.list, "tools")

    def create_tool(self, config: dict[str, Any]) -> None:
        self._write(self._agents_api.tools.with_raw_response.create, request={"tool_config": config})

    def update_tool(self, tool_id: str, request: dict[str, Any]) -> None:
        self._write(self._agents_api.tools.with_raw_response.update, tool_id, request=request)

    def agents(self) -> list[dict[str, Any]]:
        """Return `[{"agent_id", "name", …}]`."""
        return self._pages(self._agents_api.agents.with_raw_response.list, "agents")

    def agent(self, agent_id: str) -> dict[str, Any]:
        """Return `{"agent_id", "name", "conversation_config", "platform_settings", "phone_numbers", …}`."""
        return dict(self._json(self._agents_api.agents.with_raw_response.get, agent_id))

    def update_agent(self, agent_id: str, **sections: Any) -> None:
        self._write(self._agents_api.agents.with_raw_response.update, agent_id, **sections)

    def tier(self) -> str:
        """Return the tier of the workspace's subscription, such as "creator"; "" if the key lacks the permission."""
        try:
            return str(self._json(self._sdk.user.subscription.with_raw_response.get).get("tier") or "")
        except ElevenLabsError as error:
            if error.status in (401, 403):
                return ""
            raise

    def phone_numbers(self) -> list[dict[str, Any]]:
        """Return `[{"phone_number", "assigned_agent": {"agent_id"} | null, …}]` of the workspace."""
        return list(self._json(self._agents_api.phone_numbers.with_raw_response.list))

    def conversations(
        self, agent_id: str | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield summaries, newest first: `{"conversation_id", "agent_id", "start_time_unix_secs", "status", …}`.

        Any field may be missing or null; an entry that is not an object becomes an empty one.
        """
        listing = self._agents_api.conversations.with_raw_response.list
        filters = {"agent_id": agent_id, "call_start_after_unix": since, "call_start_before_unix": until}
        for summary in self._each(listing, "conversations", **filters):
            yield summary if isinstance(summary, dict) else {}

    def conversation(self, conversation_id: str) -> bytes:
        """Return the JSON of a conversation, byte for byte."""
        with self._request():
            answer = self._agents_api.conversations.with_raw_response.get(conversation_id)
            return bytes(answer._response.content)

    def run_analysis(self, conversation_id: str) -> bytes:
        """Run the agent's present criteria and data collection again and return the conversation. This costs money."""
        with self._request():
            run = self._agents_api.conversations.analysis.with_raw_response.run
            return bytes(run(conversation_id, request_options={"max_retries": 0})._response.content)

    def audio(self, conversation_id: str) -> Iterator[bytes]:
        """Yield the recording, an MP3, in chunks."""
        with self._request():
            yield from self._agents_api.conversations.audio.get(conversation_id, request_options={"chunk_size": 2**16})

    def delete_conversation(self, conversation_id: str) -> bool:
        """Delete a conversation with its recording. Return False if ElevenLabs does not have it."""
        try:
            self._json(self._agents_api.conversations.with_raw_response.delete, conversation_id)
        except ElevenLabsError as error:
            if error.status != 404:
                raise
            return False
        return True

    @property
    def _agents_api(self) -> Any:
        return self._sdk.conversational_ai

    def _pages(self, listing: Callable[..., Any], name: str) -> list[dict[str, Any]]:
        return [item for item in self._each(listing, name) if isinstance(item, dict)]

    def _each(self, listing: Callable[..., Any], name: str, **filters: Any) -> Iterator[Any]:
        """Yield the items of all pages. Stops with a warning if the pages repeat, are empty or too many."""
        seen: set[str] = set()
        cursor, last, repeats = None, None, 0
        while len(seen) < _MOST_PAGES and repeats < _MOST_REPEATS:
            page = self._json(listing, cursor=cursor, page_size=_PAGE, **filters)
            items = page.get(name) if isinstance(page, dict) else None
            if not isinstance(items, list):
                raise ElevenLabsError(f"ElevenLabs answered with no list of {name}", 200)
            yield from items
            repeats = repeats + 1 if items in ([], last) else 0
            last, cursor = items, str(page.get("next_cursor") or "")
            if page.get("has_more") is False or not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        log.warning("a list of ElevenLabs does not end; the rest is ignored", list=name, pages=len(seen))

    def _write(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Send a write once: a repeated one could create something twice."""
        return self._json(method, *arguments, **named, request_options={"max_retries": 0})

    def _json(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        with self._request():
            try:
                # Private, but the only way to the unchanged JSON: the SDK's public API returns headers and models only.
                response = method(*arguments, **named)._response
                answer = response.json()
            except (TypeError, AttributeError, ValueError) as error:
                raise ElevenLabsError("ElevenLabs' answer cannot be read", 200) from error
        with suppress(ValueError):
            self.ahead_seconds = time.time() - parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        return answer

    @contextmanager
    def _request(self) -> Iterator[None]:
        """Run one request at the permitted rate; raise errors of the SDK and the connection as ElevenLabsError."""
        import httpx
        from elevenlabs.core.api_error import ApiError

        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = time.monotonic() + self._least_seconds_between
        try:
            yield
        except ApiError as error:
            raise ElevenLabsError(_meaning(error.status_code or 0, error.body), error.status_code or 0) from error
        except httpx.HTTPError as error:
            raise ElevenLabsError(f"ElevenLabs cannot be reached ({type(error).__name__})") from error


def _meaning(status: int, body: object) -> str:
    match status:
        case 401 | 403:
            return f"ElevenLabs refuses ELEVENLABS_API_KEY ({status}{_detail(body)}): check the permissions of the key"
        case 404:
            return f"ElevenLabs has no such object (404{_detail(body)})"
        case 429:
            return "ElevenLabs asks to slow down (429): try again later"
        case 301 | 302 | 303 | 307 | 308:
            return f"ElevenLabs answered with a redirect ({status}), which is not followed: correct ELEVENLABS_BASE_URL"
    return f"ElevenLabs answered {status}{_detail(body)}"


def _detail(body: object) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list) and detail:
        # validation errors of FastAPI
        return "".join(
            f", {'.'.join(map(str, one.get('loc', ())))}: {one.get('msg')}"
            for one in detail[:3]
            if isinstance(one, dict)
        )
    if isinstance(detail, dict):
        detail = detail.get("message") or detail.get("status")
    return f", {str(detail)[:200]}" if detail else ""
