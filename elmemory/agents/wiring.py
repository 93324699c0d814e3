"""How an agent at ElevenLabs is wired to webhooks, and how it should be wired to this server."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings

from elmemory.agents.api import Api

EVENTS = ("transcript", "audio", "call_initiation_failure")
TOOL_NAME = "search_data"
CALLER, CALLED = "system__caller_id", "system__called_number"
KEY_HEADER = "X-Api-Key"

CLIENT_DATA_PATH, SEARCH_DATA_PATH, POST_CALL_PATH = (
    "/webhook/client-data",
    "/webhook/search-data",
    "/webhook/post-call",
)
CLIENT_DATA_SECRET, SEARCH_DATA_SECRET = "elmemory_client_data", "elmemory_search_data"

INITIATION, POST_CALL = "conversation_initiation_client_data_webhook", "webhooks"

type Json = dict[str, Any]

# Our webhooks' names record retries and the secret's fingerprint, because ElevenLabs returns neither.
_MARK = re.compile(r"\s*\(retries on(?:, key ([0-9a-f]{8}))?\)$")
_VARIABLE = re.compile(r"{{\s*([^{}\s]+)\s*}}")


@dataclass(frozen=True)
class ThisServer:
    """The addresses and keys of this server's webhooks. Of several keys, the first is sent.

    `replaced_webhooks` are ids of post-call webhooks to be replaced; `new_post_call_key` is the secret of the one that
    was just created.
    """

    url: str
    client_data_keys: tuple[str, ...]
    search_data_keys: tuple[str, ...]
    post_call_keys: tuple[str, ...] = ()
    in_workspace: bool = False
    replaced_webhooks: frozenset[str] = frozenset()
    new_post_call_key: str = ""

    @classmethod
    def from_settings(cls, url: str, *, in_workspace: bool = False) -> "ThisServer":
        return cls(
            url=url,
            client_data_keys=tuple(settings.ELEVENLABS_CLIENT_DATA_KEYS),
            search_data_keys=tuple(settings.ELEVENLABS_SEARCH_DATA_KEYS),
            post_call_keys=tuple(settings.ELEVENLABS_POST_CALL_KEYS),
            in_workspace=in_workspace,
        )

    def replacing_webhooks(self, wiring: "Wiring") -> "ThisServer":
        """Return a copy for which a new post-call webhook replaces the existing ones."""
        url = self.url + POST_CALL_PATH
        existing = frozenset(webhook["webhook_id"] for webhook in wiring.webhooks if webhook["webhook_url"] == url)
        return replace(self, replaced_webhooks=existing)

    @property
    def client_data_key(self) -> str:
        return next(iter(self.client_data_keys), "")

    @property
    def search_data_key(self) -> str:
        return next(iter(self.search_data_keys), "")

    @property
    def client_data_secret(self) -> str:
        """The name of the secret that holds the key; it changes with the key."""
        return f"{CLIENT_DATA_SECRET}_{fingerprint(self.client_data_key)}"

    @property
    def search_data_secret(self) -> str:
        return f"{SEARCH_DATA_SECRET}_{fingerprint(self.search_data_key)}"


@dataclass(frozen=True)
class Wiring:
    """An agent and the objects it refers to, as ElevenLabs returns them."""

    agent: Json
    workspace: Json
    webhooks: list[Json]
    secrets: list[Json]
    tools: list[Json]

    @classmethod
    def read(cls, api: Api, agent_id: str) -> "Wiring":
        return cls(api.agent(agent_id), api.workspace(), api.webhooks(), api.secrets(), api.tools())

    @classmethod
    def read_all(cls, api: Api, agent_ids: Iterable[str]) -> "list[Wiring]":
        """Return the wiring of each agent. Objects of the workspace are read once."""
        found: list[Wiring] = []
        for agent_id in agent_ids:
            found.append(replace(found[0], agent=api.agent(agent_id)) if found else cls.read(api, agent_id))
        return found

    def holder(self, section: str) -> Literal["agent", "workspace"]:
        """Return which settings of the section (INITIATION or POST_CALL) apply: the agent's or the workspace's."""
        return "agent" if _is_set(self.of_agent(section)) else "workspace"

    def settings(self, section: str) -> Json:
        """The settings of the section (INITIATION or POST_CALL) that apply to this agent."""
        return self.of_agent(section) if self.holder(section) == "agent" else self.of_workspace(section)

    def of_agent(self, section: str) -> Json:
        overrides = (self.agent.get("platform_settings") or {}).get("workspace_overrides") or {}
        return overrides.get(section) or {}

    def of_workspace(self, section: str) -> Json:
        return self.workspace.get(section) or {}

    @property
    def prompt(self) -> Json:
        return self.agent_config.get("prompt") or {}

    @property
    def agent_config(self) -> Json:
        return (self.agent.get("conversation_config") or {}).get("agent") or {}

    @property
    def attached_tools(self) -> list[Json]:
        ids = self.prompt.get("tool_ids") or []
        return [tool for tool in self.tools if tool["id"] in ids]

    @property
    def overrides(self) -> Json:
        return (self.agent.get("platform_settings") or {}).get("overrides") or {}

    @property
    def fetches_initiation_data(self) -> bool:
        return bool(self.overrides.get("enable_conversation_initiation_client_data_from_webhook"))

    @property
    def allows_first_message(self) -> bool:
        return self._allows("first_message")

    @property
    def allows_language(self) -> bool:
        return self._allows("language")

    @property
    def languages(self) -> list[str]:
        """The codes of the agent's main language and of its additional languages."""
        config = self.agent.get("conversation_config") or {}
        return [str(self.agent_config.get("language") or "en"), *(config.get("language_presets") or {})]

    def _allows(self, field: str) -> bool:
        """Whether an answer to a ring may override this field of the agent."""
        agent = (self.overrides.get("conversation_config_override") or {}).get("agent") or {}
        return bool(agent.get(field))

    @property
    def variables(self) -> set[str]:
        """Names of the `{{…}}` in prompts and first messages, including those of other languages and workflow nodes.

        System variables and secrets, which ElevenLabs provides, are left out.
        """
        config = self.agent.get("conversation_config") or {}
        texts = _texts(
            [
                self.prompt.get("prompt"),
                self.agent_config.get("first_message"),
                config.get("language_presets"),
                self.agent.get("workflow"),
            ]
        )
        names = {name for text in texts for name in _VARIABLE.findall(text)}
        return {name for name in names if not name.startswith(("system__", "secret__"))}

    def secret_name(self, secret_id: str | None) -> str:
        return next((str(secret["name"]) for secret in self.secrets if secret["secret_id"] == secret_id), "")

    def secret_id(self, name: str) -> str | None:
        return next((str(secret["secret_id"]) for secret in self.secrets if secret["name"] == name), None)

    def webhook(self, url: str, ignored: frozenset[str] = frozenset()) -> Json | None:
        """Return the HMAC webhook with this URL: the one that is in use, else the newest."""
        used = self.settings(POST_CALL).get("post_call_webhook_id")
        candidates = [
            webhook
            for webhook in self.webhooks
            if webhook["webhook_url"] == url
            and webhook.get("auth_type") == "hmac"
            and webhook["webhook_id"] not in ignored
        ]
        return max(
            candidates,
            key=lambda webhook: (webhook["webhook_id"] == used, webhook.get("created_at_unix", 0)),
            default=None,
        )

    def search_tool(self, url: str) -> Json | None:
        """Return the search tool: by URL or else name among the agent's tools, else by URL among all tools."""
        webhooks = [tool for tool in self.attached_tools if _config(tool).get("type") == "webhook"]
        named = [tool for tool in webhooks if _config(tool).get("name") == TOOL_NAME]
        attached = [tool for tool in self.attached_tools if tool_url(tool) == url]
        return next(iter([*attached, *named, *(tool for tool in self.tools if tool_url(tool) == url)]), None)


def is_https(url: str) -> bool:
    return url.startswith("https://") and bool(urlsplit(url).hostname)


def fingerprint(secret: str) -> str:
    """Return eight hex digits that identify a secret without revealing it."""
    return sha256(b"elmemory:" + secret.encode()).hexdigest()[:8]


def has_retries(webhook: Json) -> bool | None:
    """Whether retries are on; None if neither ElevenLabs nor the webhook's name says so."""
    reported = webhook.get("retry_enabled")
    if reported is not None:
        return bool(reported)
    return True if _MARK.search(webhook["name"]) else None


def secret_fingerprint(webhook: Json) -> str | None:
    """Return the fingerprint of the webhook's secret, if its name records it."""
    mark = _MARK.search(webhook["name"])
    return mark[1] if mark else None


def marked_name(name: str, key: str | None) -> str:
    """Return the webhook's name with a mark: retries are on, and the secret has the fingerprint `key`."""
    return f"{_MARK.sub('', name)} (retries on{f', key {key}' if key else ''})"


def key_header(headers: Json | None) -> tuple[str, Any]:
    """Return the name of the header X-Api-Key as written, and its value; None if it is missing."""
    found = ((name, value) for name, value in (headers or {}).items() if name.lower() == KEY_HEADER.lower())
    return next(found, (KEY_HEADER, None))


def with_key(headers: Json | None, secret: str | None) -> Json:
    """Return the headers with the key taken from the secret with this id; None for a secret that is not made yet."""
    name, value = key_header(headers)
    if not (secret and isinstance(value, dict) and value.get("secret_id") == secret):
        value = {"secret_id": secret or "(the new secret)"}
    return {**(headers or {}), name: value}


def filled_by(schema_property: Json) -> tuple[str, str]:
    """Return what fills a property of a tool's body, and with which value.

    ("dynamic_variable", its name), ("constant", its value), ("model", the description), ("system", "") or
    ("omitted", "").
    """
    if schema_property.get("is_omitted"):
        return "omitted", ""
    if variable := schema_property.get("dynamic_variable"):
        return "dynamic_variable", str(variable)
    if (constant := schema_property.get("constant_value")) not in (None, ""):
        return "constant", str(constant)
    if schema_property.get("is_system_provided"):
        return "system", ""
    return "model", str(schema_property.get("description") or "")


def tool_url(tool: Json) -> str:
    return str((_config(tool).get("api_schema") or {}).get("url") or "")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _config(tool: Json) -> Json:
    return tool.get("tool_config") or {}


def _is_set(section: Json) -> bool:
    return bool(section.get("url") or section.get("post_call_webhook_id"))
