"""A fake of the part of ElevenLabs' API that is used here: an HTTP server on loopback, for the real SDK.

It keeps state, pages lists, checks the API key, validates bodies with the SDK's types and with rules that those lack,
and fails on request. A write replaces whole sections of an agent or of the settings: the real API may merge them, which
is easier to use correctly.
"""

import copy
import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pydantic
from elevenlabs.types.agent_platform_settings_request_model import AgentPlatformSettingsRequestModel
from elevenlabs.types.conv_ai_webhooks import ConvAiWebhooks
from elevenlabs.types.conversation_initiation_client_data_webhook import ConversationInitiationClientDataWebhook
from elevenlabs.types.conversational_config import ConversationalConfig
from elevenlabs.types.tool_request_model import ToolRequestModel
from elevenlabs.types.webhook_hmac_settings import WebhookHmacSettings

from webhooks.simulator.call import silence

API_KEY = "sk_test_0123456789"
AGENT = "agent_test"
_NOT_FILLED = {"dynamic_variable": "", "constant_value": "", "is_system_provided": False}
_FILLERS = ("description", "dynamic_variable", "constant_value", "is_system_provided", "is_omitted")


class Refused(Exception):
    def __init__(self, status: int, detail: object) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


class FakeElevenLabs:
    """Switches for tests:

    `fail_at_write`: answer the n-th write from now with 500, without effect. `forget_writes`: answer writes with 200,
    without effect. `hold_at`: let the n-th read of a conversation wait for `release`; `held` is set while it waits.
    `answers`: values that an analysis finds, by conversation and field. `runs`: how often each was analysed.
    `results_after`: reads of a conversation until its analysis shows. `lose_answers`: analyse, and answer with 500.
    `reports_retries`: list whether webhooks have retries. `tier`: of the subscription, None if the key may not see it.
    `clock_ahead`: seconds by which the `Date` header is ahead.
    `redirects_to`: answer everything with a redirect to this address.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.webhook_secrets: dict[str, str] = {}
        self.settings: dict[str, Any] = {
            "conversation_initiation_client_data_webhook": None,
            "webhooks": None,
            "can_use_mcp_servers": True,
            "rag_retention_period_days": 10,
            "default_livekit_stack": "standard",
        }
        self.tools: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, dict[str, Any]] = {}
        self.recordings: dict[str, bytes] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.runs: Counter[str] = Counter()
        self.results_after = 0
        self.lose_answers = False
        self._waiting: dict[str, tuple[int, dict[str, Any]]] = {}
        self.phone_numbers: list[dict[str, Any]] = []
        self.tier: str | None = "creator"
        self.requests: list[tuple[str, str]] = []
        self.fail_at_write = 0
        self.forget_writes = False
        self.reports_retries = False
        self.clock_ahead = 0.0
        self.redirects_to = ""
        self.largest_page = 100
        self.hold_at = 0
        self.held = threading.Event()
        self.released = threading.Event()
        self.add_agent(AGENT)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        return {"ELEVENLABS_API_KEY": API_KEY, "ELEVENLABS_BASE_URL": self.url}

    @property
    def writes(self) -> list[str]:
        return [f"{method} {path}" for method, path in self.requests if method != "GET"]

    def state(self) -> dict[str, Any]:
        names = ("secrets", "webhooks", "webhook_secrets", "settings", "tools", "agents", "phone_numbers")
        return copy.deepcopy({name: getattr(self, name) for name in names})

    def restore(self, state: dict[str, Any]) -> None:
        self.__dict__ |= copy.deepcopy(state)

    def release(self) -> None:
        self.hold_at = 0
        self.released.set()

    # State

    def add_agent(self, agent_id: str, name: str = "Front desk") -> dict[str, Any]:
        self.agents[agent_id] = {
            "agent_id": agent_id,
            "name": name,
            "metadata": {"created_at_unix_secs": 1_780_000_000, "updated_at_unix_secs": 1_780_000_000},
            "phone_numbers": [],
            "tags": [],
            "conversation_config": {
                "asr": {"quality": "high", "provider": "elevenlabs", "keywords": []},
                "turn": {"turn_timeout": 7.0, "mode": "turn"},
                "tts": {"model_id": "eleven_flash_v2", "voice_id": "cjVigY5qzO86Huf0OWal", "stability": 0.5},
                "conversation": {"max_duration_seconds": 600, "client_events": ["audio", "interruption"]},
                "language_presets": {},
                "vad": {"background_voice_detection": False},
                "agent": {
                    "first_message": "Hello, this is the practice. How can I help you?",
                    "language": "en",
                    "dynamic_variables": {"dynamic_variable_placeholders": {}},
                    "prompt": {
                        "prompt": "You are the front desk. About the caller: {{user_profile_summary}}",
                        "llm": "gemini-2.0-flash",
                        "temperature": 0.0,
                        "tool_ids": [],
                        "built_in_tools": {},
                        "mcp_server_ids": [],
                        "knowledge_base": [],
                    },
                },
            },
            "platform_settings": {
                "overrides": {
                    "conversation_config_override": {"agent": {"first_message": False, "language": True}},
                    "custom_llm_extra_body": False,
                    "enable_conversation_initiation_client_data_from_webhook": False,
                },
                "workspace_overrides": {
                    "conversation_initiation_client_data_webhook": None,
                    "webhooks": {"post_call_webhook_id": None, "events": [], "send_audio": None},
                },
                "privacy": {"record_voice": True, "retention_days": 30},
                "data_collection": {
                    "first_name": {"type": "string", "description": "The caller's first name", **_NOT_FILLED}
                },
                "safety": {"is_blocked_ivc": False, "is_blocked_non_ivc": False, "ignore_safety_evaluation": False},
            },
        }
        return self.agents[agent_id]

    def add_tool(self, config: dict[str, Any]) -> str:
        tool_id = f"tool_{secrets.token_hex(8)}"
        self.tools[tool_id] = {
            "id": tool_id,
            "tool_config": _as_returned(config),
            "access_info": {"is_creator": True, "creator_name": "A", "creator_email": "a@example.com", "role": "admin"},
            "usage_stats": {"total_calls": 0, "avg_latency_secs": 0.0},
            "response_mocks": [],
        }
        return tool_id

    def add_conversation(
        self, data: dict[str, Any], audio: bytes | None = None, status: str = "done", **more: Any
    ) -> str:
        """Add a conversation with the `data` of a transcription event; return its id."""
        conversation_id: str = data["conversation_id"]
        flags = dict.fromkeys(("has_audio", "has_user_audio", "has_response_audio"), audio is not None)
        self.conversations[conversation_id] = {**data, **flags, "has_auxiliary_audio": False, "status": status, **more}
        if audio is not None:
            self.recordings[conversation_id] = audio
        return conversation_id

    # Routes

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        for (verb, pattern), route in self._routes().items():
            if verb == method and (match := re.fullmatch(pattern, path)):
                if method != "GET":
                    self._count_write()
                return route(*match.groups(), **({"query": query} if method == "GET" else {"body": body}))
        raise Refused(404, {"status": "not_found", "message": f"no such route: {method} {path}"})

    def _routes(self) -> dict[tuple[str, str], Callable[..., Any]]:
        one = "([^/]+)"
        return {
            ("GET", "/v1/convai/secrets"): self._list_secrets,
            ("POST", "/v1/convai/secrets"): self._create_secret,
            ("GET", "/v1/workspace/webhooks"): self._list_webhooks,
            ("POST", "/v1/workspace/webhooks"): self._create_webhook,
            ("PATCH", f"/v1/workspace/webhooks/{one}"): self._update_webhook,
            ("GET", "/v1/convai/settings"): lambda **_: self.settings,
            ("PATCH", "/v1/convai/settings"): self._update_settings,
            ("GET", "/v1/convai/tools"): lambda query: self._page("tools", list(self.tools.values()), query),
            ("POST", "/v1/convai/tools"): self._create_tool,
            ("PATCH", f"/v1/convai/tools/{one}"): self._update_tool,
            ("GET", "/v1/convai/agents"): self._list_agents,
            ("GET", f"/v1/convai/agents/{one}"): self._get_agent,
            ("PATCH", f"/v1/convai/agents/{one}"): self._update_agent,
            ("GET", "/v1/convai/phone-numbers"): lambda **_: self.phone_numbers,
            ("GET", "/v1/user/subscription"): self._get_subscription,
            ("GET", "/v1/convai/conversations"): self._list_conversations,
            ("GET", f"/v1/convai/conversations/{one}"): self._get_conversation,
            ("GET", f"/v1/convai/conversations/{one}/audio"): self._get_audio,
            ("DELETE", f"/v1/convai/conversations/{one}"): self._delete_conversation,
            ("POST", f"/v1/convai/conversations/{one}/analysis/run"): self._run_analysis,
        }

    def _delete_conversation(self, conversation_id: str, body: Any) -> Any:  # noqa: ARG002
        _known(self.conversations, conversation_id)
        if not self.forget_writes:
            del self.conversations[conversation_id]
            self.recordings.pop(conversation_id, None)
        return {}

    def _list_secrets(self, query: dict[str, str]) -> Any:
        used: dict[str, list[Any]] = {"tools": [], "agents": [], "others": []}
        listed = [
            {"type": "stored", "secret_id": key, "name": secret["name"], "used_by": used}
            for key, secret in self.secrets.items()
        ]
        return self._page("secrets", listed, query, has_more=False)

    def _create_secret(self, body: Any) -> Any:
        if not (isinstance(body.get("name"), str) and isinstance(body.get("value"), str) and body.get("type") == "new"):
            raise Refused(422, [{"loc": ["body"], "msg": "name, value and type are needed", "type": "missing"}])
        secret_id = f"sec_{secrets.token_hex(8)}"
        if not self.forget_writes:
            self.secrets[secret_id] = {"name": body["name"], "value": body["value"]}
        return {"type": "stored", "secret_id": secret_id, "name": body["name"]}

    def _list_webhooks(self, query: dict[str, str]) -> Any:  # noqa: ARG002
        hidden = () if self.reports_retries else ("retry_enabled",)
        listed = [
            {key: value for key, value in webhook.items() if key not in hidden} for webhook in self.webhooks.values()
        ]
        return {"webhooks": listed}

    def _create_webhook(self, body: Any) -> Any:
        settings = _valid(WebhookHmacSettings, body.get("settings"), "settings")
        _https(settings["webhook_url"], "settings.webhook_url")
        webhook_id = self.add_webhook(settings["webhook_url"], settings["name"])
        return {"webhook_id": webhook_id, "webhook_secret": self.webhook_secrets[webhook_id]}

    def add_webhook(self, url: str, name: str = "Post-call", **changes: Any) -> str:
        webhook_id = f"wh_{secrets.token_hex(8)}"
        self.webhook_secrets[webhook_id] = f"wsec_{secrets.token_hex(32)}"
        self.webhooks[webhook_id] = {
            "name": name,
            "webhook_id": webhook_id,
            "webhook_url": url,
            "is_disabled": False,
            "is_auto_disabled": False,
            "created_at_unix": 1_780_000_000 + len(self.webhooks),
            "auth_type": "hmac",
            "retry_enabled": False,
            "most_recent_failure_error_code": None,
            "most_recent_failure_timestamp": None,
            **changes,
        }
        return webhook_id

    def _update_webhook(self, webhook_id: str, body: Any) -> Any:
        webhook = _known(self.webhooks, webhook_id)
        if not (isinstance(body.get("is_disabled"), bool) and isinstance(body.get("name"), str)):
            raise Refused(422, [{"loc": ["body"], "msg": "is_disabled and name are needed", "type": "missing"}])
        if not self.forget_writes:
            webhook |= {key: body[key] for key in ("is_disabled", "name", "retry_enabled") if key in body}
            webhook["is_auto_disabled"] = webhook["is_auto_disabled"] and webhook["is_disabled"]
        return {"status": "ok"}

    def _update_settings(self, body: Any) -> Any:
        if (webhook := body.get("conversation_initiation_client_data_webhook")) is not None:
            self._valid_initiation(webhook)
        if (events := body.get("webhooks")) is not None:
            self._valid_post_call(events)
        if not self.forget_writes:
            self.settings |= body
        return self.settings

    def _valid_initiation(self, section: Any) -> None:
        _valid(ConversationInitiationClientDataWebhook, section, "conversation_initiation_client_data_webhook")
        _https(section["url"], "url")
        self._valid_headers(section["request_headers"])

    def _valid_post_call(self, section: Any) -> None:
        _valid(ConvAiWebhooks, section, "webhooks")
        if (webhook_id := section.get("post_call_webhook_id")) is not None:
            _known(self.webhooks, webhook_id)
        known = {"transcript", "audio", "call_initiation_failure", "answering_machine_detection"}
        if unknown := set(section.get("events") or ()) - known:
            raise Refused(422, [{"loc": ["webhooks", "events"], "msg": f"not events: {unknown}", "type": "enum"}])

    def _valid_headers(self, headers: dict[str, Any]) -> None:
        for value in headers.values():
            if isinstance(value, dict) and "secret_id" in value:
                _known(self.secrets, value["secret_id"])

    def _create_tool(self, body: Any) -> Any:
        config = self._valid_tool(body)
        return self.tools[self.add_tool(config)]

    def _update_tool(self, tool_id: str, body: Any) -> Any:
        tool = _known(self.tools, tool_id)
        config = self._valid_tool(body)
        if not self.forget_writes:
            tool["tool_config"] = _as_returned(config)
        return tool

    def _valid_tool(self, body: Any) -> dict[str, Any]:
        _valid(ToolRequestModel, body, "body")
        config: dict[str, Any] = body["tool_config"]
        if config.get("type") != "webhook":
            return config
        if not 5 <= config.get("response_timeout_secs", 20) <= 300:
            raise Refused(422, [{"loc": ["response_timeout_secs"], "msg": "from 5 to 300", "type": "range"}])
        schema = config["api_schema"]
        _https(schema["url"], "url")
        self._valid_headers(schema.get("request_headers") or {})
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", config["name"]):
            raise Refused(422, [{"loc": ["name"], "msg": "letters, digits, _ and -", "type": "pattern"}])
        for name, one in ((schema.get("request_body_schema") or {}).get("properties") or {}).items():
            if one.get("type") in ("object", "array"):
                continue
            filled = [filler for filler in _FILLERS if one.get(filler)]
            if len(filled) != 1:
                raise Refused(422, [{"loc": [name], "msg": f"exactly one of {', '.join(_FILLERS)}", "type": "value"}])
        return config

    def _list_agents(self, query: dict[str, str]) -> Any:
        listed = [{key: agent[key] for key in ("agent_id", "name", "tags")} for agent in self.agents.values()]
        return self._page("agents", listed, query)

    def _get_agent(self, agent_id: str, query: dict[str, str]) -> Any:  # noqa: ARG002
        agent = copy.deepcopy(_known(self.agents, agent_id))
        prompt = agent["conversation_config"]["agent"]["prompt"]
        prompt["tools"] = [
            self.tools[each]["tool_config"] for each in prompt.get("tool_ids") or () if each in self.tools
        ]
        return agent

    def _update_agent(self, agent_id: str, body: Any) -> Any:
        agent = _known(self.agents, agent_id)
        if (config := body.get("conversation_config")) is not None:
            _valid(ConversationalConfig, config, "conversation_config")
            prompt = (config.get("agent") or {}).get("prompt") or {}
            if prompt.get("tools") and prompt.get("tool_ids"):
                raise Refused(400, {"status": "both_tools_and_tool_ids_provided", "message": "tools beside tool_ids"})
            for tool_id in prompt.get("tool_ids") or ():
                _known(self.tools, tool_id)
        if (settings := body.get("platform_settings")) is not None:
            _valid(AgentPlatformSettingsRequestModel, settings, "platform_settings")
            if unknown := set(settings) - set(AgentPlatformSettingsRequestModel.model_fields):
                raise Refused(
                    422, [{"loc": ["platform_settings"], "msg": f"not to be set: {unknown}", "type": "extra"}]
                )
            overrides = settings.get("workspace_overrides") or {}
            if webhook := overrides.get("conversation_initiation_client_data_webhook"):
                self._valid_initiation(webhook)
            if events := overrides.get("webhooks"):
                self._valid_post_call(events)
            settings = {**settings, "safety": agent["platform_settings"]["safety"]}
            self._collect(settings, agent["platform_settings"].get("analysis_items"))
        if not self.forget_writes:
            agent |= {key: value for key, value in body.items() if key != "platform_settings"}
            if settings is not None:
                agent["platform_settings"] = settings
        return self._get_agent(agent_id, {})

    def _collect(self, settings: dict[str, Any], attached: Any) -> None:
        """Check the fields of data collection; keep the list of attached items, if the agent has one, in step."""
        fields: dict[str, Any] = settings.get("data_collection") or {}
        most = 40 if "enterprise" in (self.tier or "") else 25
        if len(fields) > most:
            raise Refused(422, [{"loc": ["data_collection"], "msg": f"at most {most} items", "type": "too_long"}])
        if settings.get("analysis_items") is not None:
            items = settings["analysis_items"].get("data_collection") or []
            named = {item["analysis_item_id"] for item in items}
            settings["data_collection"] = fields = {id_: one for id_, one in fields.items() if id_ in named}
        for one in fields.values():
            one |= {**_NOT_FILLED, **one}
            if not one["description"] or len(one["description"]) > 10_000:
                raise Refused(422, [{"loc": ["data_collection"], "msg": "a description is needed", "type": "value"}])
        if attached is not None:
            items = [{"source": "user", "analysis_item_id": id_, "version_id": "latest"} for id_ in fields]
            settings["analysis_items"] = {"evaluation_criteria": [], "data_collection": items}

    def _get_subscription(self, query: dict[str, str]) -> Any:  # noqa: ARG002
        if self.tier is None:
            raise Refused(401, {"status": "missing_permissions", "message": "The API key lacks user_read"})
        return {"tier": self.tier, "character_count": 0, "character_limit": 100_000}

    def _list_conversations(self, query: dict[str, str]) -> Any:
        after, before = int(query.get("call_start_after_unix", 0)), int(query.get("call_start_before_unix", 2**40))
        listed = [
            {
                "agent_id": data["agent_id"],
                "conversation_id": conversation_id,
                "start_time_unix_secs": data["metadata"]["start_time_unix_secs"],
                "call_duration_secs": data["metadata"]["call_duration_secs"],
                "message_count": len(data["transcript"]),
                "status": data["status"],
                "call_successful": "success",
            }
            for conversation_id, data in self.conversations.items()
            if after <= data["metadata"]["start_time_unix_secs"] <= before
            and query.get("agent_id") in (None, data["agent_id"])
        ]
        listed.sort(key=lambda each: -each["start_time_unix_secs"])
        return self._page("conversations", listed, query)

    def _get_conversation(self, conversation_id: str, query: dict[str, str]) -> Any:  # noqa: ARG002
        reads = sum(path.count("/") == 4 and "/conversations/" in path for _, path in self.requests)
        if self.hold_at and reads >= self.hold_at:
            self.held.set()
            self.released.wait(30)
        if conversation_id in self._waiting:
            left, analysis = self._waiting.pop(conversation_id)
            if left > 1:
                self._waiting[conversation_id] = left - 1, analysis
            else:
                self.conversations[conversation_id]["analysis"] = analysis
        return _known(self.conversations, conversation_id)

    def _run_analysis(self, conversation_id: str, body: Any) -> Any:  # noqa: ARG002
        data = _known(self.conversations, conversation_id)
        self.runs[conversation_id] += 1
        fields = self.agents[data["agent_id"]]["platform_settings"]["data_collection"]
        values = self.answers.get(conversation_id, {})
        results = {
            id_: {"data_collection_id": id_, "value": values.get(id_), "json_schema": one, "rationale": "As said."}
            for id_, one in fields.items()
        }
        analysis = {**data["analysis"], "data_collection_results": results}
        data["metadata"]["charging"] = {"analysis": {"last_run": {"charge": 3 * len(fields)}}}
        if self.results_after:
            self._waiting[conversation_id] = self.results_after, analysis
        else:
            data["analysis"] = analysis
        if self.lose_answers:
            raise Refused(500, {"status": "internal_server_error", "message": "Internal server error"})
        return data

    def _get_audio(self, conversation_id: str, query: dict[str, str]) -> bytes:  # noqa: ARG002
        _known(self.conversations, conversation_id)
        return _known(self.recordings, conversation_id)

    def _page(self, name: str, items: list[Any], query: dict[str, str], *, has_more: bool = True) -> Any:
        size = int(query.get("page_size", 30))
        if not 1 <= size <= 100:
            raise Refused(422, [{"loc": ["query", "page_size"], "msg": "from 1 to 100", "type": "range"}])
        start = int(query.get("cursor", 0))
        end = start + min(size, self.largest_page)
        more = end < len(items)
        page = {name: items[start:end], "next_cursor": str(end) if more else None}
        return page | {"has_more": more} if has_more else page

    def _count_write(self) -> None:
        if self.fail_at_write:
            self.fail_at_write -= 1
            if not self.fail_at_write:
                raise Refused(500, {"status": "internal_server_error", "message": "Internal server error"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            # Avoids a wait for the client's delayed acknowledgement.
            disable_nagle_algorithm = True
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                url = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                fake.requests.append((self.command, url.path))
                try:
                    if self.headers.get("xi-api-key") != API_KEY:
                        raise Refused(401, {"status": "invalid_api_key", "message": "Invalid API key"})
                    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
                    value = fake.answer(self.command, url.path, query, json.loads(raw) if raw else None)
                    status = 200
                except Refused as refused:
                    status, value = refused.status, {"detail": refused.detail}
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(307 if fake.redirects_to else status)
                if fake.redirects_to:
                    self.send_header("location", f"{fake.redirects_to}{self.path}")
                self.send_header("content-type", "audio/mpeg" if isinstance(value, bytes) else "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815

            def date_time_string(self, timestamp: float | None = None) -> str:
                return formatdate((timestamp or time.time()) + fake.clock_ahead, usegmt=True)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


def conversation(number: int, agent_id: str = AGENT, caller: str = "+14155550100") -> dict[str, Any]:
    """Return the data of an invented conversation, which starts `number` hours after a fixed time."""
    started_at = 1_790_000_000 + 3600 * number
    return {
        "agent_id": agent_id,
        "conversation_id": f"conv_{number:06}",
        "transcript": [{"role": "user", "message": f"This is call number {number}.", "time_in_call_secs": 1}],
        "metadata": {
            "start_time_unix_secs": started_at,
            "call_duration_secs": 30,
            "phone_call": {"direction": "inbound", "external_number": caller, "agent_number": "+14155550199"},
        },
        "analysis": {"transcript_summary": f"Call {number}.", "data_collection_results": {}},
        "conversation_initiation_client_data": {"dynamic_variables": {"system__caller_id": caller}},
    }


def recording(seconds: int = 1) -> bytes:
    return silence(seconds)


def _valid(model: type[pydantic.BaseModel], value: Any, where: str) -> dict[str, Any]:
    try:
        model.model_validate(value)
    except pydantic.ValidationError as error:
        faults = [
            {"loc": [where, *fault["loc"]], "msg": fault["msg"], "type": fault["type"]} for fault in error.errors()
        ]
        raise Refused(422, faults) from None
    checked: dict[str, Any] = value
    return checked


def _https(url: str, where: str) -> None:
    if not url.startswith("https://"):
        raise Refused(422, [{"loc": [where], "msg": "URL scheme should be 'https'", "type": "url_scheme"}])


def _known[T](items: dict[str, T], key: str) -> T:
    if key not in items:
        raise Refused(404, {"status": "not_found", "message": f"{key} was not found"})
    return items[key]


def _as_returned(config: dict[str, Any]) -> dict[str, Any]:
    """Return a tool as the API returns it: missing fields have their defaults."""
    placeholders: dict[str, Any] = {"dynamic_variable_placeholders": {}}
    config = {"disable_interruptions": False, "dynamic_variables": placeholders, **config}
    if config.get("type") == "webhook":
        schema: dict[str, Any] = {"method": "GET", "path_params_schema": {}, "query_params_schema": None} | dict(
            config["api_schema"]
        )
        if body := schema.get("request_body_schema"):
            filled: dict[str, Any] = {"description": "", **_NOT_FILLED}
            properties = {name: filled | one for name, one in (body.get("properties") or {}).items()}
            schema["request_body_schema"] = {"id": None, "description": "", **body, "properties": properties}
        config["api_schema"] = schema
    return copy.deepcopy(config)
