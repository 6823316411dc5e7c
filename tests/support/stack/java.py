"""Finds a Java that runs all three servers."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.stack import versions
from tests.support.stack.errors import MissingProgram

#: For servers that run for minutes without much load: to compile their code for hours costs more than it saves.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Java:
    """An installed Java runtime."""

    program: str
    home: str
    version: int


@functools.cache
def find_java() -> Java:
    """The Java the servers were checked with if there is one, else the oldest newer one.

    :raises MissingProgram: there is neither.
    """
    found = [java for java in (_look(program) for program in _candidates()) if java is not None]
    suitable = sorted((java for java in found if java.version >= versions.JAVA), key=lambda java: java.version)
    if not suitable:
        seen = ", ".join(f"{java.version} in {java.home}" for java in found) or "none"
        raise MissingProgram(f"Java {versions.JAVA} is needed; found: {seen}")
    return suitable[0]


def _candidates() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield str(Path(home) / "bin" / "java")
    if program := shutil.which("java"):
        yield program
    for home_folder in sorted(Path("/usr/lib/jvm").glob("*")):
        yield str(home_folder / "bin" / "java")


def _look(program: str) -> Java | None:
    try:
        shown = subprocess.run(
            [program, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False, timeout=60
        ).stderr
    except OSError:
        return None
    home = re.search(r"java\.home = (.+)", shown)
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", shown)
    return Java(program, home[1].strip(), int(version[1])) if home and version else None
