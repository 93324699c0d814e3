"""Requests without the right header key are counted, and logged at a bounded rate."""

from pathlib import Path

from tests.harness.server import Server


def counted(server: Server, endpoint: str) -> float:
    (line,) = [
        line
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith(f'elmemory_refused_keys_total{{endpoint="{endpoint}"}}')
    ]
    return float(line.rpartition(" ")[2])


def test_each_refused_key_counts_and_a_flood_is_one_log_line_for_each_endpoint(tmp_path: Path) -> None:
    endpoints = "client-data", "search-data"
    with Server(tmp_path, "--no-worker") as server:
        assert [counted(server, endpoint) for endpoint in endpoints] == [0, 0]
        for headers in ({}, {"X-Api-Key": "a-wrong-key"}, {"Authorization": "Bearer a-wrong-key"}) * 5:
            for endpoint in endpoints:
                assert server.client.post(f"/webhook/{endpoint}", json={}, headers=headers).status_code == 401
        assert [counted(server, endpoint) for endpoint in endpoints] == [15, 15]
        log = server.output
    assert log.count("refused a request without the right key") == 2
    assert "a-wrong-key" not in log
