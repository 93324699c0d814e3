"""Wires agents to this server: plans steps, carries them out one by one, and verifies each by reading it back."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import partial
from typing import Any

import orjson
from django.conf import settings

from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.data_collection import Collecting, collected, reasons, wanted
from elmemory.agents.search_tool import completed_tool
from elmemory.agents.wiring import (
    CLIENT_DATA_PATH,
    EVENTS,
    INITIATION,
    POST_CALL,
    POST_CALL_PATH,
    SEARCH_DATA_PATH,
    Json,
    ThisServer,
    Wiring,
    fingerprint,
    has_retries,
    marked_name,
    secret_fingerprint,
    tool_url,
    with_key,
)

_WEBHOOK_NAME = "elmemory post-call"


@dataclass(frozen=True)
class Step:
    """One write. `before` and `after` are for display: without secrets, and with a remark for an id not yet known."""

    title: str
    before: Any
    after: Any
    write: Callable[[Api], str | None]
    """Returns the secret if it creates a webhook, else None."""
    reasons: tuple[str, ...] = ()
    is_shared: bool = False
    """Whether it writes an object that all agents of the workspace use."""

    @property
    def diff(self) -> list[str]:
        before, after = ([] if side is None else _lines(side) for side in (self.before, self.after))
        return [line for line in unified_diff(before, after, lineterm="", n=2) if not line.startswith(("---", "+++"))]


class Stopped(Exception):
    """A step failed. `done` and `left` are titles of steps; the message is the reason."""

    def __init__(self, done: list[str], failed: Step, left: list[str], reason: str) -> None:
        super().__init__(reason)
        self.done, self.failed, self.left = done, failed, left


def plan(wiring: Wiring, server: ThisServer, collecting: Collecting | None = None) -> list[Step]:
    """Return the missing writes, in their order; none if the agent is wired correctly.

    `collecting` adds the writes for the fields of data collection; if it removes them, that is the only write.
    """
    if collecting is not None and collecting.change == "remove":
        return list(_data_collection(wiring, collecting))
    return [
        *_secrets(wiring, server),
        *_webhook(wiring, server),
        *_initiation(wiring, server),
        *_post_call(wiring, server),
        *_tool(wiring, server),
        *_agent(wiring, server),
        *(_data_collection(wiring, collecting) if collecting else ()),
    ]


def carry_out(
    api: Api,
    agent_id: str,
    server: ThisServer,
    collecting: Collecting | None = None,
    *,
    done: Callable[[str], None],
    secret: Callable[[str], None],
) -> list[str]:
    """Carry out the plan and return the titles of its steps. Raises Stopped.

    `done` is called with each title once the step is read back, `secret` with a new webhook's secret at once.
    """
    finished: list[str] = []
    steps = plan(Wiring.read(api, agent_id), server, collecting)
    while steps:
        step, left = steps[0], [step.title for step in steps[1:]]
        try:
            if new_secret := step.write(api):
                secret(new_secret)
                server = replace(server, new_post_call_key=new_secret)
            steps = plan(Wiring.read(api, agent_id), server, collecting)
        except (ElevenLabsError, KeyboardInterrupt) as error:
            raise Stopped(finished, step, left, str(error) or "interrupted") from error
        if any(missing.title == step.title for missing in steps):
            raise Stopped(finished, step, left, "reading back shows other values than were written")
        finished.append(step.title)
        done(step.title)
    return finished


def warnings(wiring: Wiring, server: ThisServer) -> Iterator[str]:
    """Yield warnings: faults that provisioning cannot correct, and settings of other servers that it replaces."""
    yield from _replacements(wiring, server)
    webhook = wiring.webhook(server.url + POST_CALL_PATH, server.replaced_webhooks)
    if webhook is None:
        return
    key = secret_fingerprint(webhook)
    if key is None:
        yield (
            "The post-call webhook exists already, and ElevenLabs does not reveal its secret. "
            "Set ELEVENLABS_POST_CALL_KEY to it. If it is lost, --new-secret creates a new webhook."
        )
    elif key not in map(fingerprint, server.post_call_keys):
        yield (
            f"The secret of the post-call webhook (key {key}) is not in ELEVENLABS_POST_CALL_KEY: every delivery is "
            "refused. If the secret is lost: --new-secret makes a new webhook."
        )


def _replacements(wiring: Wiring, server: ThisServer) -> Iterator[str]:
    if (url := wiring.settings(INITIATION).get("url")) and url != server.url + CLIENT_DATA_PATH:
        yield f"The initiation webhook is {url} now; this server's will replace it."
    used = wiring.settings(POST_CALL).get("post_call_webhook_id")
    url = next((each["webhook_url"] for each in wiring.webhooks if each["webhook_id"] == used), None)
    if url and url != server.url + POST_CALL_PATH:
        yield f"Calls are delivered to {url} now; this server's webhook will replace it: an agent has only one."


def _secrets(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    for name, value, variable in (
        (server.client_data_secret, server.client_data_key, "ELEVENLABS_CLIENT_DATA_KEY"),
        (server.search_data_secret, server.search_data_key, "ELEVENLABS_SEARCH_DATA_KEY"),
    ):
        if wiring.secret_id(name) is None:
            after = {"name": name, "value": f"(that of {variable})"}
            yield Step(
                f"secret {name}", None, after, partial(Api.create_secret, name=name, value=value), is_shared=True
            )


def _webhook(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    url = server.url + POST_CALL_PATH
    webhook = wiring.webhook(url, server.replaced_webhooks)
    if webhook is None:
        made = {"name": _WEBHOOK_NAME, "webhook_url": url, "auth_type": "hmac"}
        yield Step(
            "post-call webhook", None, made, partial(Api.create_webhook, name=_WEBHOOK_NAME, url=url), is_shared=True
        )
        webhook = {"webhook_id": "", "name": _WEBHOOK_NAME}
        key: str | None = None
    else:
        key = fingerprint(server.new_post_call_key) if server.new_post_call_key else secret_fingerprint(webhook)
    disabled = bool(webhook.get("is_disabled") or webhook.get("is_auto_disabled"))
    if disabled or not has_retries(webhook) or key != secret_fingerprint(webhook):
        name = marked_name(webhook["name"], key)
        before = {"name": webhook["name"], "is_disabled": disabled, "retry_enabled": has_retries(webhook)}
        after = {"name": name, "is_disabled": False, "retry_enabled": True}
        yield Step(
            "post-call webhook: retries, enabled",
            before,
            after,
            partial(Api.enable_webhook, webhook_id=webhook["webhook_id"], name=name),
            is_shared=True,
        )


def _initiation(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    url = server.url + CLIENT_DATA_PATH
    secret = wiring.secret_id(server.client_data_secret)
    before = wiring.settings(INITIATION) if _target(wiring, INITIATION, server) == wiring.holder(INITIATION) else {}
    after = {**before, "url": url, "request_headers": with_key(before.get("request_headers"), secret)}
    yield from _section_step("initiation webhook", wiring, server, INITIATION, before, after)


def _post_call(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    webhook = wiring.webhook(server.url + POST_CALL_PATH, server.replaced_webhooks)
    before = wiring.settings(POST_CALL) if _target(wiring, POST_CALL, server) == wiring.holder(POST_CALL) else {}
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
    yield from _section_step("post-call events", wiring, server, POST_CALL, before, after)


def _section_step(
    title: str, wiring: Wiring, server: ThisServer, section: str, before: Json, after: Json
) -> Iterator[Step]:
    if before == after:
        return
    holder = _target(wiring, section, server)
    title = f"{title} of the {holder}"
    if holder == "workspace":
        write = partial(Api.update_workspace, sections={section: after})
        yield Step(title, before or None, after, write, is_shared=True)
        return
    ours = _platform_settings(wiring)
    ours["workspace_overrides"] = {**(ours.get("workspace_overrides") or {}), section: after}
    agent_id = wiring.agent["agent_id"]
    yield Step(title, before or None, after, partial(Api.update_agent, agent_id=agent_id, platform_settings=ours))


def _target(wiring: Wiring, section: str, server: ThisServer) -> str:
    """Return "agent" or "workspace": where to write the settings of the section.

    The agent's settings leave other agents as they are. The workspace's are written on request, or if they name this
    server already.
    """
    if wiring.holder(section) == "agent":
        return "agent"
    workspace = wiring.of_workspace(section)
    webhook = wiring.webhook(server.url + POST_CALL_PATH)
    names_this_server = workspace.get("url") == server.url + CLIENT_DATA_PATH or (
        webhook is not None and workspace.get("post_call_webhook_id") == webhook["webhook_id"]
    )
    return "workspace" if server.in_workspace or names_this_server else "agent"


def _tool(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    url = server.url + SEARCH_DATA_PATH
    secret = wiring.secret_id(server.search_data_secret)
    tool = wiring.search_tool(url)
    if tool is None:
        config = completed_tool({}, url, secret)
        yield Step("tool search_data", None, config, partial(Api.create_tool, config=config), is_shared=True)
        return
    before = tool["tool_config"]
    after = completed_tool(before, url, secret)
    if after != before:
        request = {"tool_config": after}
        if tool.get("response_mocks"):
            request["response_mocks"] = tool["response_mocks"]
        write = partial(Api.update_tool, tool_id=tool["id"], request=request)
        # A tool of this name with another URL may belong to this agent alone.
        is_shared = tool_url(tool) == url
        yield Step("tool search_data", before, after, write, is_shared=is_shared)


def _agent(wiring: Wiring, server: ThisServer) -> Iterator[Step]:
    agent_id = wiring.agent["agent_id"]
    tool = wiring.search_tool(server.url + SEARCH_DATA_PATH)
    attached = list(wiring.prompt.get("tool_ids") or [])
    if tool is None or tool["id"] not in attached:
        tool_ids = [*attached, tool["id"] if tool else "(the new tool)"]
        config = copy.deepcopy(wiring.agent["conversation_config"])
        prompt = config.setdefault("agent", {}).setdefault("prompt", {})
        # ElevenLabs returns both but refuses `tools` beside `tool_ids`.
        prompt.pop("tools", None)
        prompt["tool_ids"] = tool_ids
        yield Step(
            "the tool, attached to the agent",
            {"tool_ids": attached},
            {"tool_ids": tool_ids},
            partial(Api.update_agent, agent_id=agent_id, conversation_config=config),
        )
    allows_all = wiring.allows_first_message and (wiring.allows_language or not settings.OVERRIDE_LANGUAGE)
    if not (wiring.fetches_initiation_data and allows_all):
        ours = _platform_settings(wiring)
        before = ours.get("overrides") or {}
        overrides = copy.deepcopy(before)
        overrides["enable_conversation_initiation_client_data_from_webhook"] = True
        of_agent = overrides["conversation_config_override"] = overrides.get("conversation_config_override") or {}
        of_agent["agent"] = {**(of_agent.get("agent") or {}), "first_message": True}
        if settings.OVERRIDE_LANGUAGE:
            of_agent["agent"]["language"] = True
        ours["overrides"] = overrides
        yield Step(
            "the agent takes initiation data and the greeting",
            before,
            overrides,
            partial(Api.update_agent, agent_id=agent_id, platform_settings=ours),
        )


def _data_collection(wiring: Wiring, collecting: Collecting) -> Iterator[Step]:
    before, after = collected(wiring.agent), wanted(wiring, collecting)
    if before == after:
        return
    ours, agent_id = _platform_settings(wiring), wiring.agent["agent_id"]
    # ElevenLabs derives the list of attached items from the fields: an old list would contradict them.
    ours.pop("analysis_items", None)
    ours["data_collection"] = after
    if scopes := ours.get("data_collection_scopes"):
        ours["data_collection_scopes"] = {id_: one for id_, one in scopes.items() if id_ in after}
    yield Step(
        "data collection for memory",
        before,
        after,
        partial(Api.update_agent, agent_id=agent_id, platform_settings=ours),
        tuple(reasons(wiring, collecting)),
    )


def _platform_settings(wiring: Wiring) -> Json:
    """Return all platform settings of the agent, without read-only ones."""
    from elevenlabs.types.agent_platform_settings_request_model import AgentPlatformSettingsRequestModel
    from elevenlabs.types.agent_platform_settings_response_model import AgentPlatformSettingsResponseModel

    read_only = set(AgentPlatformSettingsResponseModel.model_fields) - set(
        AgentPlatformSettingsRequestModel.model_fields
    )
    ours = copy.deepcopy(wiring.agent.get("platform_settings") or {})
    return {name: value for name, value in ours.items() if name not in read_only}


def _lines(value: Any) -> list[str]:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().splitlines()
