"""Requests without the right header key are counted, and logged at a bounded rate."""

from pathlib import Path

import pytest

from tests.harness.server import Server


def counted(server: Server, endpoint: str) -> float:
    (line,) = [
        line
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith(f'elmemory_refused_keys_total{{endpoint="{endpoint}"}}')
    ]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize("endpoint", ["client-data", "search-data"])
def test_each_refused_key_counts_and_a_flood_is_one_log_line(tmp_path: Path, endpoint: str) -> None:
    with Server(tmp_path) as server:
        assert counted(server, endpoint) == 0
        for headers in ({}, {"X-Api-Key": "a-wrong-key"}, {"Authorization": "Bearer a-wrong-key"}) * 5:
            assert server.client.post(f"/webhook/{endpoint}", json={}, headers=headers).status_code == 401
        assert counted(server, endpoint) == 15
        log = server.output
    assert log.count("refused a request without the right key") == 1
    assert "a-wrong-key" not in log
