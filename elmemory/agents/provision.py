"""Wiring an agent to this server: a plan of steps, carried out one by one, each read back before the next."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Any

import orjson

from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.wiring import (
    CALLED,
    CALLER,
    CLIENT_DATA_PATH,
    EVENTS,
    INITIATION,
    POST_CALL,
    POST_CALL_PATH,
    SEARCH_DATA_PATH,
    TOOL_NAME,
    Json,
    Ours,
    Wiring,
    filled_by,
    fingerprint,
    has_retries,
    header,
    marked,
    told_key,
)

_WEBHOOK_NAME = "elmemory post-call"
_TOOL_DESCRIPTION = (
    "Look up what this caller said in earlier calls: appointments, people, preferences, problems, promises. "
    "Ask one short question in plain words. Use it before asking the caller for something they may have told us "
    "already."
)
_QUERY_DESCRIPTION = "The question, in plain words"


@dataclass(frozen=True)
class Step:
    """One write. `before` and `after` are what changes, without secrets; an id that is still to be made is a remark."""

    title: str
    before: Any
    after: Any
    write: Callable[[Api], str | None]
    """Returns the secret that ElevenLabs tells this once, where it tells one."""

    @property
    def diff(self) -> list[str]:
        before, after = ([] if side is None else _lines(side) for side in (self.before, self.after))
        return [line for line in unified_diff(before, after, lineterm="", n=2) if not line.startswith(("---", "+++"))]


class Stopped(Exception):
    """A step failed: what had been done before it, the step, and what was left."""

    def __init__(self, done: list[str], failed: str, left: list[str], reason: str) -> None:
        super().__init__(reason)
        self.done, self.failed, self.left = done, failed, left


def plan(wiring: Wiring, ours: Ours) -> list[Step]:
    """The writes that are missing, in their order; none where the agent is wired as it should be."""
    return [
        *_secrets(wiring, ours),
        *_webhook(wiring, ours),
        *_initiation(wiring, ours),
        *_post_call(wiring, ours),
        *_tool(wiring, ours),
        *_agent(wiring, ours),
    ]


def carry_out(
    api: Api, agent_id: str, ours: Ours, *, done: Callable[[str], None], secret: Callable[[str], None]
) -> list[str]:
    """Write until nothing is missing; the titles of what was done. `done` hears each step once it was read back,
    `secret` the new webhook's secret as soon as there is one. Raises Stopped."""
    finished: list[str] = []
    steps = plan(Wiring.read(api, agent_id), ours)
    while steps:
        step, left = steps[0], [step.title for step in steps[1:]]
        try:
            if told := step.write(api):
                secret(told)
                ours = replace(ours, new_key=told)
            steps = plan(Wiring.read(api, agent_id), ours)
        except (ElevenLabsError, KeyboardInterrupt) as error:
            raise Stopped(finished, step.title, left, str(error) or "interrupted") from error
        if any(again.title == step.title for again in steps):
            raise Stopped(finished, step.title, left, "read back, it is not as it was written")
        finished.append(step.title)
        done(step.title)
    return finished


def warnings(wiring: Wiring, ours: Ours) -> Iterator[str]:
    """What no write can mend, and what others will miss."""
    yield from _replaced(wiring, ours)
    webhook = wiring.webhook(ours.url + POST_CALL_PATH, ours.left_aside)
    if webhook is None:
        return
    key = told_key(webhook)
    if key is None:
        yield (
            "The post-call webhook was there already, and ElevenLabs does not tell its secret: "
            "ELEVENLABS_POST_CALL_KEY must hold it. Where it is lost: --new-secret makes a new webhook."
        )
    elif key not in map(fingerprint, ours.post_call_keys):
        yield (
            f"The secret of the post-call webhook (key {key}) is not in ELEVENLABS_POST_CALL_KEY: every delivery is "
            "refused. Where it is lost: --new-secret makes a new webhook."
        )


def _replaced(wiring: Wiring, ours: Ours) -> Iterator[str]:
    if (url := wiring.settings(INITIATION).get("url")) and url != ours.url + CLIENT_DATA_PATH:
        yield f"Until now {url} is asked when the phone rings; it no longer will be."
    used = wiring.settings(POST_CALL).get("post_call_webhook_id")
    url = next((each["webhook_url"] for each in wiring.webhooks if each["webhook_id"] == used), None)
    if url and url != ours.url + POST_CALL_PATH:
        yield f"Until now calls are delivered to {url}; an agent has one such webhook, and it will be this server's."


def _secrets(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    for name, value, variable in (
        (ours.client_data_secret, ours.client_data_key, "ELEVENLABS_CLIENT_DATA_KEY"),
        (ours.search_data_secret, ours.search_data_key, "ELEVENLABS_SEARCH_DATA_KEY"),
    ):
        if wiring.secret_id(name) is None:
            after = {"name": name, "value": f"(that of {variable})"}
            yield Step(f"secret {name}", None, after, _secret_writer(name, value))


def _webhook(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    url = ours.url + POST_CALL_PATH
    webhook = wiring.webhook(url, ours.left_aside)
    if webhook is None:
        made = {"name": _WEBHOOK_NAME, "webhook_url": url, "auth_type": "hmac"}
        yield Step("post-call webhook", None, made, lambda api: api.create_webhook(_WEBHOOK_NAME, url)[1])
        webhook = {"webhook_id": "", "name": _WEBHOOK_NAME}
        key: str | None = None
    else:
        key = fingerprint(ours.new_key) if ours.new_key else told_key(webhook)
    disabled = bool(webhook.get("is_disabled") or webhook.get("is_auto_disabled"))
    if disabled or not has_retries(webhook) or key != told_key(webhook):
        name = marked(webhook["name"], key)
        before = {"name": webhook["name"], "is_disabled": disabled, "retry_enabled": has_retries(webhook)}
        after = {"name": name, "is_disabled": False, "retry_enabled": True}
        webhook_id = webhook["webhook_id"]
        yield Step(
            "post-call webhook: retries, enabled",
            before,
            after,
            _writer(lambda api: api.enable_webhook(webhook_id, name)),
        )


def _initiation(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    url = ours.url + CLIENT_DATA_PATH
    secret = wiring.secret_id(ours.client_data_secret)
    before = wiring.settings(INITIATION) if _write_to(wiring, INITIATION, ours) == wiring.holder(INITIATION) else {}
    after = {**before, "url": url, "request_headers": _with_key(before.get("request_headers"), secret)}
    yield from _section_step("initiation webhook", wiring, ours, INITIATION, before, after)


def _post_call(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    webhook = wiring.webhook(ours.url + POST_CALL_PATH, ours.left_aside)
    before = wiring.settings(POST_CALL) if _write_to(wiring, POST_CALL, ours) == wiring.holder(POST_CALL) else {}
    events = before.get("events") or []
    after = {
        **before,
        "post_call_webhook_id": webhook["webhook_id"] if webhook else "(the new webhook)",
        "events": [*events, *(event for event in EVENTS if event not in events)],
    }
    if after.get("transcript_format") not in (None, "json"):
        after["transcript_format"] = "json"
    if after.get("exclude_transcript"):
        after["exclude_transcript"] = False
    yield from _section_step("post-call events", wiring, ours, POST_CALL, before, after)


def _section_step(title: str, wiring: Wiring, ours: Ours, section: str, before: Json, after: Json) -> Iterator[Step]:
    if before == after:
        return
    holder = _write_to(wiring, section, ours)
    title = f"{title} of the {holder}"
    if holder == "workspace":
        yield Step(title, before or None, after, _writer(lambda api: api.update_workspace(**{section: after})))
        return
    settings = _platform_settings(wiring)
    settings["workspace_overrides"] = {**(settings.get("workspace_overrides") or {}), section: after}
    agent_id = wiring.agent["agent_id"]
    yield Step(
        title, before or None, after, _writer(lambda api: api.update_agent(agent_id, platform_settings=settings))
    )


def _write_to(wiring: Wiring, section: str, ours: Ours) -> str:
    """The agent's own settings, so that other agents keep theirs; the workspace's where it is asked for or where
    they are ours already."""
    if wiring.holder(section) == "agent":
        return "agent"
    there = wiring.of_workspace(section)
    webhook = wiring.webhook(ours.url + POST_CALL_PATH)
    already_ours = there.get("url") == ours.url + CLIENT_DATA_PATH or (
        webhook is not None and there.get("post_call_webhook_id") == webhook["webhook_id"]
    )
    return "workspace" if ours.in_workspace or already_ours else "agent"


def _tool(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    url = ours.url + SEARCH_DATA_PATH
    secret = wiring.secret_id(ours.search_data_secret)
    tool = wiring.search_tool(url)
    if tool is None:
        config = _mended_tool({}, url, secret)
        yield Step("tool search_data", None, config, _writer(lambda api: api.create_tool(config)))
        return
    before = tool["tool_config"]
    after = _mended_tool(before, url, secret)
    if after != before:
        request = {"tool_config": after}
        if tool.get("response_mocks"):
            request["response_mocks"] = tool["response_mocks"]
        tool_id = tool["id"]
        yield Step("tool search_data", before, after, _writer(lambda api: api.update_tool(tool_id, request)))


def _mended_tool(config: Json, url: str, secret: str | None) -> Json:
    """The tool with what must be so; the rest as it was, or as a new tool should have it."""
    config = {
        "type": "webhook",
        "name": TOOL_NAME,
        "response_timeout_secs": 5,
        **copy.deepcopy(config),
    }
    config["description"] = config.get("description") or _TOOL_DESCRIPTION
    schema = config["api_schema"] = {**(config.get("api_schema") or {}), "url": url, "method": "POST"}
    schema["request_headers"] = _with_key(schema.get("request_headers"), secret)
    if schema.get("content_type") not in (None, "application/json"):
        schema["content_type"] = "application/json"
    body = schema["request_body_schema"] = {"type": "object", **(schema.get("request_body_schema") or {})}
    properties = body["properties"] = dict(body.get("properties") or {})
    for name, variable in (("user_id", CALLER), ("called_number", CALLED)):
        if filled_by(properties.get(name) or {}) != ("dynamic_variable", variable):
            properties[name] = {"type": "string", "dynamic_variable": variable}
    by, description = filled_by(properties.get("query") or {})
    if by != "model" or not description:
        properties["query"] = {"type": "string", "description": _QUERY_DESCRIPTION}
    required = body.get("required") or []
    body["required"] = [*required, *(name for name in ("query", "user_id") if name not in required)]
    return config


def _agent(wiring: Wiring, ours: Ours) -> Iterator[Step]:
    agent_id = wiring.agent["agent_id"]
    tool = wiring.search_tool(ours.url + SEARCH_DATA_PATH)
    attached = list(wiring.prompt.get("tool_ids") or [])
    if tool is None or tool["id"] not in attached:
        tool_ids = [*attached, tool["id"] if tool else "(the new tool)"]
        config = copy.deepcopy(wiring.agent["conversation_config"])
        prompt = config.setdefault("agent", {}).setdefault("prompt", {})
        # Read as both, written as one: ElevenLabs refuses `tools` beside `tool_ids`.
        prompt.pop("tools", None)
        prompt["tool_ids"] = tool_ids
        yield Step(
            "the tool, attached to the agent",
            {"tool_ids": attached},
            {"tool_ids": tool_ids},
            _writer(lambda api: api.update_agent(agent_id, conversation_config=config)),
        )
    if not (wiring.takes_initiation_data and wiring.lets_greet):
        settings = _platform_settings(wiring)
        before = settings.get("overrides") or {}
        overrides = copy.deepcopy(before)
        overrides["enable_conversation_initiation_client_data_from_webhook"] = True
        of_agent = overrides["conversation_config_override"] = overrides.get("conversation_config_override") or {}
        of_agent["agent"] = {**(of_agent.get("agent") or {}), "first_message": True}
        settings["overrides"] = overrides
        yield Step(
            "the agent takes initiation data and the greeting",
            before,
            overrides,
            _writer(lambda api: api.update_agent(agent_id, platform_settings=settings)),
        )


def _platform_settings(wiring: Wiring) -> Json:
    """Those of the agent, whole, without what is only ever read."""
    from elevenlabs.types.agent_platform_settings_request_model import AgentPlatformSettingsRequestModel
    from elevenlabs.types.agent_platform_settings_response_model import AgentPlatformSettingsResponseModel

    read_only = set(AgentPlatformSettingsResponseModel.model_fields) - set(
        AgentPlatformSettingsRequestModel.model_fields
    )
    settings = copy.deepcopy(wiring.agent.get("platform_settings") or {})
    return {name: value for name, value in settings.items() if name not in read_only}


def _with_key(headers: Json | None, secret: str | None) -> Json:
    name, value = header(headers)
    if not (secret and isinstance(value, dict) and value.get("secret_id") == secret):
        value = {"secret_id": secret or "(the new secret)"}
    return {**(headers or {}), name: value}


def _secret_writer(name: str, value: str) -> Callable[[Api], None]:
    return _writer(lambda api: api.create_secret(name, value))


def _writer(write: Callable[[Api], object]) -> Callable[[Api], None]:
    def written(api: Api) -> None:
        write(api)

    return written


def _lines(value: Any) -> list[str]:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().splitlines()
