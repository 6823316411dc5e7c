"""What holds data is its owner's alone: files that are new, files that were there, and under any umask."""

import os
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.errors import BadSetting
from amp.private_files import make_private, write_private

_NOBODY = 65_534
_KEPT = {"lock", "store.db", "store.db-wal", "store.db-shm", "search.db", "search.db-wal", "search.db-shm"}
#: Opens the folder and is killed with its files open, so that no `-wal` is tidied away.
_KILLED = """
import os, sys
from pathlib import Path
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_component import SearchComponent
os.umask(int(sys.argv[2], 8))
database = Database(Path(sys.argv[1]))
with database.writing() as connection:
    connection.execute("CREATE TABLE numbers (n INTEGER)")
SearchComponent(SearchDatabase(Path(sys.argv[1]))).migrate()
os.kill(os.getpid(), 9)
"""


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def kill_one_that_uses(folder: Path, umask: str) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, str(folder), umask], check=False)
    assert modes(folder).keys() == _KEPT


@pytest.mark.parametrize("umask", ["000", "022", "277"])
def test_new_files_are_private_under_any_umask(tmp_path: Path, umask: str) -> None:
    kill_one_that_uses(tmp_path / "data", umask)
    assert set(modes(tmp_path / "data").values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_files_of_a_folder_that_was_there_become_private(tmp_path: Path) -> None:
    kill_one_that_uses(tmp_path, "022")
    (tmp_path / "server.url").write_text("http://127.0.0.1:1")
    (tmp_path / "notes.txt").write_text("somebody else's")
    for file in tmp_path.iterdir():
        file.chmod(0o644)
    with closing(Database(tmp_path)):
        assert set(modes(tmp_path).items()) == {(name, 0o600) for name in {*_KEPT, "server.url"}} | {
            ("notes.txt", 0o644)
        }
        with closing(SearchDatabase(tmp_path)) as search:
            SearchComponent(search).ping()
            assert modes(tmp_path)["search.db-wal"] == 0o600


def test_a_search_file_made_on_its_own_is_private(tmp_path: Path) -> None:
    with closing(SearchDatabase(tmp_path)) as search:
        SearchComponent(search).migrate()
        assert set(modes(tmp_path).values()) == {0o600}


def test_a_file_that_is_replaced_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "server.url"
    path.write_text("a longer text than the next")
    path.chmod(0o666)
    write_private(path, "short")
    assert path.read_text() == "short"
    assert modes(tmp_path) == {"server.url": 0o600}


def test_a_file_that_is_there_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    make_private(path)
    assert (path.read_text(), modes(tmp_path)) == ("kept", {"file": 0o600})


def test_others_access_that_cannot_be_taken_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o640)
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0o700)
    make_private(tmp_path / "closed")
    with pytest.raises(PermissionError):
        make_private(tmp_path / "open")


def test_a_file_that_was_made_read_only_is_not_made_writable(tmp_path: Path) -> None:
    with closing(Database(tmp_path)):
        pass
    (tmp_path / "store.db").chmod(0o444)
    with suppress(BadSetting), closing(Database(tmp_path)):  # the superuser writes all the same
        pass
    assert modes(tmp_path)["store.db"] == 0o400


@pytest.mark.skipif(os.geteuid() != 0, reason="acts as another user")
@pytest.mark.parametrize(
    ("mode", "create", "reason"), [(0o500, True, "the folder is not writable"), (0, False, "Permission denied")]
)
def test_a_folder_that_cannot_be_used_is_named_with_its_setting(mode: int, create: bool, reason: str) -> None:
    # Below the folders of pytest, no other user reaches anything.
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer) / "data"
        Database(folder).close()
        for path in (Path(outer), folder, *folder.iterdir()):
            os.chown(path, _NOBODY, _NOBODY)
        folder.chmod(mode)
        os.seteuid(_NOBODY)
        try:
            with pytest.raises(BadSetting, match=f"^AMP_DATA_DIR=.* cannot be used as a data folder: {reason}$"):
                Database(folder, create=create)
        finally:
            os.seteuid(0)
