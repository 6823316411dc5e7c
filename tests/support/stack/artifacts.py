"""Fetches published server builds with Maven into the user's cache folder, once per version."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.support.stack.errors import MissingProgram, StackError
from tests.support.stack.locks import locked

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>amp</groupId><artifactId>stack</artifactId><version>1</version>
<dependencies>{}</dependencies></project>
"""


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "amp-stack"


def is_cached(key: str) -> bool:
    return (cache_folder() / key).is_dir()


def jars(key: str, coordinates: tuple[str, ...]) -> Path:
    """A folder with the named artifacts and all they need at run time."""

    def fetch(target: Path) -> None:
        dependencies = "".join(
            "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
                *coordinate.split(":")
            )
            for coordinate in coordinates
        )
        pom = target.with_suffix(".xml")
        pom.write_text(_POM.format(dependencies))
        _maven("-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}")

    return _cached(key, fetch)


def distribution(key: str, coordinate: str) -> Path:
    """The unpacked content of a zip artifact that holds one folder."""

    def fetch(target: Path) -> None:
        archive = target.with_suffix(".zip.d")
        _maven("dependency:copy", f"-Dartifact={coordinate}", f"-DoutputDirectory={archive}")
        unpacked = archive / "unpacked"
        with zipfile.ZipFile(next(archive.glob("*.zip"))) as content:
            for info in content.infolist():
                path = content.extract(info, unpacked)
                # extract() forgets which files are programs.
                if mode := info.external_attr >> 16 & 0o777:
                    os.chmod(path, mode)
        next(unpacked.iterdir()).rename(target)

    return _cached(key, fetch)


def _cached(key: str, fetch: Callable[[Path], None]) -> Path:
    target = cache_folder() / key
    if target.is_dir():
        return target
    # One at a time: Maven does not share its local repository between processes safely.
    with locked(cache_folder() / "lock"):
        if not target.is_dir():
            # A rename at the end: an interrupted download is never taken for a complete one.
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="fetch-") as work:
                fetch(Path(work) / "content")
                (Path(work) / "content").rename(target)
    return target


def _maven(*arguments: str) -> None:
    program = shutil.which("mvn")
    if program is None:
        raise MissingProgram("Maven (mvn) is needed to fetch the servers")
    done = subprocess.run(
        [program, "-B", "-q", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"Maven could not fetch a server: {' '.join(arguments)}\n{done.stdout[-2000:]}")
