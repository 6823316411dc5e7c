"""The file that says where a server is found, beside its predecessor and its successor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amp.server.listener import URL_FILE, AddressFile, leave_address
from amp.settings import load_settings


@dataclass
class Listener:
    """A listening socket; a unit test opens none."""

    port: int

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self.port


def left(folder: Path, port: int) -> AddressFile:
    listener: Any = Listener(port)
    return leave_address(load_settings({"data_dir": str(folder)}), listener)


def test_a_stopped_server_leaves_no_address(tmp_path: Path) -> None:
    file = left(tmp_path, 8080)
    assert (tmp_path / URL_FILE).read_text() == "http://127.0.0.1:8080"
    for _ in range(2):
        file.remove()
        assert not (tmp_path / URL_FILE).exists()


@pytest.mark.parametrize("port", [8080, 8081])
def test_a_stopping_server_leaves_the_address_of_its_successor(tmp_path: Path, port: int) -> None:
    before, after = left(tmp_path, 8080), left(tmp_path, port)
    before.remove()
    assert (tmp_path / URL_FILE).read_text() == f"http://127.0.0.1:{port}"
    after.remove()
    assert not (tmp_path / URL_FILE).exists()
