"""How an agent is wired to webhooks at ElevenLabs, and what to look at in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings

from elmemory.agents.api import Api

# What the initiation webhook always sends; a test holds it against the webhook.
VARIABLES = ("user_name", "user_profile_summary", "last_call_summary", "returning_caller", "call_count")

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

# ElevenLabs tells neither a secret's value nor whether a webhook has retries. The names of what we make say it.
_MARK = re.compile(r"\s*\(retries on(?:, key ([0-9a-f]{8}))?\)$")
_VARIABLE = re.compile(r"{{\s*([^{}\s]+)\s*}}")


@dataclass(frozen=True)
class Ours:
    """This side: where the webhooks are and which keys they take. `left_aside` are webhooks to be replaced, `new_key`
    is the secret of the one that was made in their place just now."""

    url: str
    client_data_key: str
    search_data_key: str
    post_call_keys: tuple[str, ...] = ()
    in_workspace: bool = False
    left_aside: frozenset[str] = frozenset()
    new_key: str = ""

    @classmethod
    def of_settings(cls, url: str, *, in_workspace: bool = False) -> "Ours":
        return cls(
            url=url,
            client_data_key=settings.ELEVENLABS_CLIENT_DATA_KEY,
            search_data_key=settings.ELEVENLABS_SEARCH_DATA_KEY,
            post_call_keys=tuple(settings.ELEVENLABS_POST_CALL_KEYS),
            in_workspace=in_workspace,
        )

    def setting_aside(self, wiring: "Wiring") -> "Ours":
        """With a new post-call webhook in place of those that are there."""
        url = self.url + POST_CALL_PATH
        there = frozenset(each["webhook_id"] for each in wiring.webhooks if each["webhook_url"] == url)
        return replace(self, left_aside=there)

    @property
    def client_data_secret(self) -> str:
        return f"{CLIENT_DATA_SECRET}_{fingerprint(self.client_data_key)}"

    @property
    def search_data_secret(self) -> str:
        return f"{SEARCH_DATA_SECRET}_{fingerprint(self.search_data_key)}"


@dataclass(frozen=True)
class Wiring:
    """An agent and what it refers to, as ElevenLabs tells it."""

    agent: Json
    workspace: Json
    webhooks: list[Json]
    secrets: list[Json]
    tools: list[Json]

    @classmethod
    def read(cls, api: Api, agent_id: str) -> "Wiring":
        return cls(api.agent(agent_id), api.workspace(), api.webhooks(), api.secrets(), api.tools())

    def holder(self, section: str) -> Literal["agent", "workspace"]:
        """Whose INITIATION or POST_CALL settings hold for this agent."""
        return "agent" if _is_set(self.of_agent(section)) else "workspace"

    def settings(self, section: str) -> Json:
        """The INITIATION or POST_CALL settings that hold for this agent."""
        return self.of_agent(section) if self.holder(section) == "agent" else self.of_workspace(section)

    def of_agent(self, section: str) -> Json:
        overrides = (self.agent.get("platform_settings") or {}).get("workspace_overrides") or {}
        return overrides.get(section) or {}

    def of_workspace(self, section: str) -> Json:
        return self.workspace.get(section) or {}

    @property
    def prompt(self) -> Json:
        return (self.agent_config.get("prompt")) or {}

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
    def takes_initiation_data(self) -> bool:
        return bool(self.overrides.get("enable_conversation_initiation_client_data_from_webhook"))

    @property
    def lets_greet(self) -> bool:
        agent = (self.overrides.get("conversation_config_override") or {}).get("agent") or {}
        return bool(agent.get("first_message"))

    @property
    def variables(self) -> set[str]:
        """Names of all that stands in `{{…}}` in prompts and first messages, of other languages and workflow nodes
        too. Those of the system are always there."""
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

    def webhook(self, url: str, left_aside: frozenset[str] = frozenset()) -> Json | None:
        """The HMAC webhook with this URL: the one in use before others, a newer one before an older."""
        used = self.settings(POST_CALL).get("post_call_webhook_id")
        here = [
            webhook
            for webhook in self.webhooks
            if webhook["webhook_url"] == url
            and webhook.get("auth_type") == "hmac"
            and webhook["webhook_id"] not in left_aside
        ]
        return max(here, key=lambda each: (each["webhook_id"] == used, each.get("created_at_unix", 0)), default=None)

    def search_tool(self, url: str) -> Json | None:
        """The tool that searches: by its URL or its name among the agent's tools, else by its URL among all."""
        webhooks = [tool for tool in self.attached_tools if _config(tool).get("type") == "webhook"]
        named = [tool for tool in webhooks if _config(tool).get("name") == TOOL_NAME]
        attached = [tool for tool in self.attached_tools if tool_url(tool) == url]
        return next(iter([*attached, *named, *(tool for tool in self.tools if tool_url(tool) == url)]), None)


def is_https(url: str) -> bool:
    return url.startswith("https://") and bool(urlsplit(url).hostname)


def fingerprint(secret: str) -> str:
    """Eight digits that tell one secret from another."""
    return sha256(b"elmemory:" + secret.encode()).hexdigest()[:8]


def has_retries(webhook: Json) -> bool | None:
    """Whether the webhook delivers again; None where neither ElevenLabs nor its name tells."""
    reported = webhook.get("retry_enabled")
    if reported is not None:
        return bool(reported)
    return True if _MARK.search(webhook["name"]) else None


def told_key(webhook: Json) -> str | None:
    """The fingerprint of the webhook's secret, where its name tells it."""
    mark = _MARK.search(webhook["name"])
    return mark[1] if mark else None


def marked(name: str, key: str | None) -> str:
    """The webhook's name, saying that retries are on and which secret it has."""
    return f"{_MARK.sub('', name)} (retries on{f', key {key}' if key else ''})"


def header(headers: Json | None, name: str = KEY_HEADER) -> tuple[str, Any]:
    """`(its name as written, its value)`; names of headers know no case."""
    found = next(((key, value) for key, value in (headers or {}).items() if key.lower() == name.lower()), None)
    return found or (name, None)


def filled_by(schema_property: Json) -> tuple[str, str]:
    """Who fills a property of a tool's body (dynamic_variable, constant, system, omitted or model), and with what."""
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
