from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from elmemory.agents import provision
from elmemory.agents.api import Api, ElevenLabsError
from elmemory.agents.data_collection import Collecting, left_out, missing, most_fields
from elmemory.agents.wiring import ThisServer, Wiring, is_https
from elmemory.environment import dotenv
from elmemory.environment.env import dotenv_path
from elmemory.environment.private_files import private_folder, write_private
from elmemory.environment.startup import PlainCommand
from elmemory.memory.text import counted

_POST_CALL_KEY = "ELEVENLABS_POST_CALL_KEY"


class Command(PlainCommand):
    help = "Wire agents at ElevenLabs to this server: secrets, webhooks, search tool, overrides. Shows the plan first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agents", metavar="AGENT_ID", nargs="*", help="the agents' ids, agent_…")
        parser.add_argument("--all", action="store_true", help="all agents of the workspace")
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="this server's https address (PUBLIC_URL)")
        parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--workspace", action="store_true", help="wire the webhooks for all agents of the workspace"
        )
        parser.add_argument(
            "--write-env", action="store_true", help="write the new webhook's secret to .env without asking"
        )
        parser.add_argument("--new-secret", action="store_true", help="make a new post-call webhook with a new secret")
        parser.add_argument("--memory", action="store_true", help="also have ElevenLabs collect what memory needs")
        parser.add_argument(
            "--remove", action="store_true", help="with --memory: remove these fields again, and change nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        self._options = options
        if options["remove"] and not options["memory"]:
            raise CommandError("--remove removes the fields of --memory: give both. Nothing was changed.")
        try:
            self._provision(options["agents"], every=options["all"])
        except ElevenLabsError as error:
            raise CommandError(f"{error}. Nothing was changed.") from None

    def _provision(self, agent_ids: list[str], *, every: bool) -> None:
        if every == bool(agent_ids):
            raise CommandError("name the agents, or give --all for all of the workspace. Nothing was changed.")
        server = self._this_server()
        if self._options["write_env"] and not dotenv_path().is_file():
            raise CommandError("there is no .env to write to. Nothing was changed.")
        with Api() as api:
            if every:
                agent_ids = [str(agent["agent_id"]) for agent in api.agents()]
                if not agent_ids:
                    raise CommandError("the workspace has no agent. Nothing was changed.")
            self._plan_and_carry_out(api, list(dict.fromkeys(agent_ids)), server)

    def _plan_and_carry_out(self, api: Api, agent_ids: list[str], server: ThisServer) -> None:
        wirings = Wiring.read_all(api, agent_ids)
        if self._options["new_secret"]:
            server = server.replacing_webhooks(wirings[0])
        collecting = self._collecting(api)
        due: list[str] = []
        written: set[str] = set()
        steps = 0
        for agent_id, wiring in zip(agent_ids, wirings, strict=True):
            planned = provision.plan(wiring, server, collecting)
            self._write_plan(agent_id, wiring, server, [step for step in planned if step.title not in written])
            steps += sum(step.title not in written for step in planned)
            written |= {step.title for step in planned if step.is_shared}
            due += [agent_id] if planned else []
            self._write_warnings(wiring, server, collecting)
        if not due:
            self.stdout.write("Everything is as it should be; nothing to change.\n")
            return
        amount = counted(steps, "step") + (
            f" for {len(due)} of {counted(len(agent_ids), 'agent')}" if len(agent_ids) > 1 else ""
        )
        if self._options["dry_run"]:
            self.stdout.write(f"\n{amount}. Nothing was changed.\n")
            return
        if not self._options["yes"] and not self._confirmed(f"\nCarry out {amount}?"):
            raise CommandError("nothing was changed")
        self._carry_out_each(api, due, server, collecting)

    def _write_plan(self, agent_id: str, wiring: Wiring, server: ThisServer, steps: list[provision.Step]) -> None:
        self.stdout.write(f"Agent {wiring.agent.get('name')} ({agent_id}), {server.url}\n\n")
        for number, step in enumerate(steps, start=1):
            self.stdout.write(f"{self.style.MIGRATE_HEADING(f'{number}. {step.title}')}\n")
            for reason in step.reasons:
                self.stdout.write(f"   {reason}\n")
            for line in step.diff:
                self.stdout.write(f"   {self._coloured(line)}\n")

    def _write_warnings(self, wiring: Wiring, server: ThisServer, collecting: Collecting | None) -> None:
        removing = collecting is not None and collecting.change == "remove"
        for warning in () if removing else provision.warnings(wiring, server):
            self.stdout.write(f"{self.style.WARNING('!')} {warning}\n")
        self._write_fields(wiring, collecting)

    def _collecting(self, api: Api) -> Collecting | None:
        if not self._options["memory"]:
            return None
        return Collecting("remove") if self._options["remove"] else Collecting("add", most_fields(api.tier()))

    def _write_fields(self, wiring: Wiring, collecting: Collecting | None) -> None:
        """Print the fields that the agent lacks, or those that exceed the limit."""
        if collecting is None:
            if fields := missing(wiring):
                self.stdout.write(
                    "\nElevenLabs can collect what memory needs from each call; "
                    "--memory adds, each one extraction per call:\n"
                )
                for field in fields:
                    self.stdout.write(f"   {field.id}: {field.reason}\n")
        elif collecting.change == "add" and (fields := left_out(wiring, collecting)):
            names = ", ".join(field.id for field in fields)
            self.stdout.write(
                f"{self.style.WARNING('!')} ElevenLabs allows {counted(collecting.most, 'field')} "
                f"(more in enterprise workspaces, which the API key must be allowed to see). No room for: {names}.\n"
            )

    def _carry_out_each(
        self, api: Api, agent_ids: list[str], server: ThisServer, collecting: Collecting | None
    ) -> None:
        """Carry out each agent's steps. A fault of one agent does not stop the others; one of a shared object does."""
        failed: list[str] = []
        for number, agent_id in enumerate(agent_ids, start=1):
            if len(agent_ids) > 1:
                self.stdout.write(f"\n{agent_id} ({number} of {len(agent_ids)})\n")
            try:
                self._carry_out(api, agent_id, server, collecting)
            except provision.Stopped as stopped:
                fault = _described(stopped)
                if len(agent_ids) == 1:
                    raise CommandError(fault) from None
                self.stdout.write(f"{self.style.ERROR('✗')} {fault}\n")
                failed.append(agent_id)
                if stopped.failed.is_shared or isinstance(stopped.__cause__, KeyboardInterrupt):
                    failed += agent_ids[number:]
                    break
            except ElevenLabsError as error:  # before the first step
                if len(agent_ids) == 1:
                    raise
                self.stdout.write(f"{self.style.ERROR('✗')} {error}\n")
                failed.append(agent_id)
        if failed:
            raise CommandError(f"not wired: {', '.join(failed)}. Run it again to continue.")
        check = agent_ids[0] if len(agent_ids) == 1 else "--all"
        self.stdout.write(f"Check the agent{'' if len(agent_ids) == 1 else 's'}: manage.py doctor {check}\n")

    def _carry_out(self, api: Api, agent_id: str, server: ThisServer, collecting: Collecting | None) -> None:
        self.stdout.write("\n")
        done = provision.carry_out(
            api, agent_id, server, collecting, done=self._report_done, secret=self._report_secret
        )
        self.stdout.write(f"\n{counted(len(done), 'step')} done, each read back.\n")

    def _this_server(self) -> ThisServer:
        url = self._options["url"].rstrip("/")
        if not is_https(url):
            raise CommandError(
                f"--url {url!r}: ElevenLabs calls https addresses only, such as https://memory.example.com; without it,"
                " that of PUBLIC_URL is taken"
            )
        for name in ("ELEVENLABS_CLIENT_DATA_KEY", "ELEVENLABS_SEARCH_DATA_KEY"):
            if not getattr(settings, f"{name}S"):
                raise CommandError(
                    f"{name} is not set: without it anyone could send requests. Put a random text into .env."
                )
        return ThisServer.from_settings(url, in_workspace=self._options["workspace"])

    def _report_done(self, title: str) -> None:
        self.stdout.write(f"{self.style.SUCCESS('✓')} {title}\n")

    def _report_secret(self, secret: str) -> None:
        """Print the secret on a terminal, else write it to a file of its own: other output may be stored in logs."""
        kept = None if self.stdout.isatty() else private_folder() / "_post_call_key.txt"
        if kept is None:
            self.stdout.write(f"  The secret of the post-call webhook, shown once:\n    {_POST_CALL_KEY}={secret}\n")
        else:
            try:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_private(kept, f"{_POST_CALL_KEY}={secret}\n", replace=True)
            except OSError as error:
                raise CommandError(
                    f"the webhook's secret cannot be written to {kept} ({error.strerror}), and is not shown, since this"
                    " is no terminal. Run it again with --new-secret, in a terminal."
                ) from None
            self.stdout.write(f"  The secret of the post-call webhook is in {kept}\n")
        if self._is_in_dotenv(secret) and kept:
            kept.unlink()
            self.stdout.write(f"  Deleted {kept}.\n")

    def _is_in_dotenv(self, secret: str) -> bool:
        """Write the secret to .env if the user agrees, and return whether it was written. Print what is left to do."""
        path = dotenv_path()
        if not path.is_file():
            self.stdout.write("  Add it to the environment of this server, and restart the server.\n")
            return False
        without_asking = self._options["write_env"]
        if not without_asking and (self._options["yes"] or not self._confirmed(f"  Write it to {path.name}?")):
            self.stdout.write(f"  Put it into {path.name} and restart the server.\n")
            return False
        # The old webhook may still deliver: its signatures must stay valid.
        old = settings.ELEVENLABS_POST_CALL_KEYS if self._options["new_secret"] else []
        try:
            dotenv.put(path, _POST_CALL_KEY, ",".join([secret, *old]))
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.stdout.write(f"  {path.name} cannot be written ({reason}): add the line yourself.\n")
            return False
        self.stdout.write(f"  Written to {path.name}. Restart the server.\n")
        return True

    def _confirmed(self, question: str) -> bool:
        try:
            return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False

    def _coloured(self, line: str) -> str:
        styles = {"+": self.style.SUCCESS, "-": self.style.ERROR, "@": self.style.HTTP_INFO}
        return styles[line[0]](line) if line[:1] in styles else line


def _described(stopped: provision.Stopped) -> str:
    failed = stopped.failed.title
    lines = [
        f"stopped at: {failed}: {stopped}",
        f"done: {'; '.join(stopped.done) or 'nothing'}",
        f"not done: {'; '.join([failed, *stopped.left])}",
        "Run it again to continue.",
    ]
    return "\n  ".join(lines)
