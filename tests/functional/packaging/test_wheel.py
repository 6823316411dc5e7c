"""The wheel is whole: unpacked anywhere, without the checkout, the service in it runs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("amp_assets-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_migrations_and_templates_in_the_wheel_equal_the_checkout(unpacked: Path) -> None:
    for name in ("migrations", "index_templates"):
        there = {path.relative_to(ROOT / name): path.read_bytes() for path in (ROOT / name).rglob("*.*")}
        packed = unpacked / "amp" / "_resources" / name
        assert there == {path.relative_to(packed): path.read_bytes() for path in packed.rglob("*.*")}
        assert there


def test_the_wheel_installs_one_top_level_package(unpacked: Path) -> None:
    assert [path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")] == ["amp"]


def test_the_service_runs_from_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    # -P keeps the working folder off the path; the checkout is elsewhere on it only through an editable install.
    code = "import amp, sys; assert sys.argv[1] in amp.__file__, amp.__file__; from amp.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code.replace("sys.argv[1]", repr(str(unpacked))), "demo"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(unpacked), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "200 films imported" in done.stdout
