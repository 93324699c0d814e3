"""Measures the briefing of the next call: is it complete, and free of what is false or outdated?

    python -m bench.briefing [--show CALLER]

A server with its worker gets the calls of `bench.briefing_set`, then each caller rings once more; the answer to the
ring is checked against the caller's checklist. With --show the faults of this caller ("all": of every caller) are
printed with the briefing.
"""

import argparse
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from bench.briefing_set import Caller, callers
from tests.harness.server import Server

LONGEST = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", default="", help="the id of a caller, or all")
    show = parser.parse_args().show
    everybody, sums = list(callers()), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        for caller in everybody:
            for event in caller.events:
                server.deliver(event)
        for caller in everybody:
            for event in caller.events:
                server.wait_for_receipt(event["data"]["conversation_id"])
            answer = server.ring(caller.number)
            faults = list(faults_of(answer["dynamic_variables"], caller))
            sums.update(kind for kind, _ in faults)
            sums["no fault"] += not faults
            if show in (caller.id, "all"):
                print(f"\n{caller.id}: {answer['dynamic_variables']}")
                for kind, what in faults:
                    print(f"  {kind}: {what}")
    musts = sum(len(caller.must) for caller in everybody)
    must_nots = sum(len(caller.must_not) for caller in everybody)
    judged = sum(len(caller.variables) for caller in everybody)
    print(f"contains what it must      {musts - sums['missing']:>4} of {musts}")
    print(f"is free of what it must not{must_nots - sums['false']:>4} of {must_nots}")
    print(f"variables as they should be{judged - sums['variable']:>4} of {judged}")
    print(f"longer than {LONGEST} characters {sums['long']:>4}")
    print(f"callers without a fault    {sums['no fault']:>4} of {len(everybody)}")


def faults_of(variables: dict[str, Any], caller: Caller) -> list[tuple[str, str]]:
    """The faults of this briefing, each with its kind: missing, false, variable or long."""
    briefing = _folded(" ".join(str(value) for name, value in variables.items() if name != "last_call_summary"))
    faults = [("missing", must) for must in caller.must if not _holds(briefing, must)]
    faults += [("false", must_not) for must_not in caller.must_not if _holds(briefing, must_not)]
    for name, expected in caller.variables.items():
        value = variables.get(name)
        if value is None or not _is_as(name, _folded(str(value)), expected):
            faults.append(("variable", f"{name}: {value!r}, not {expected!r}"))
    if len(str(variables["user_profile_summary"])) > LONGEST:
        faults.append(("long", str(len(variables["user_profile_summary"]))))
    return faults


def _is_as(name: str, value: str, expected: str) -> bool:
    if expected and name in ("open_request", "agent_promise"):
        return _holds(value, expected)
    return value == _folded(expected)


def _holds(text: str, either: str) -> bool:
    return any(_folded(one) in text for one in either.split("|"))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


if __name__ == "__main__":
    main()
