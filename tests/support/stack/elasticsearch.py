"""Elasticsearch as a plain process: one node of the build that its own integration tests use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.stack import kinds, versions
from tests.support.stack.artifacts import distribution
from tests.support.stack.errors import MissingProgram, StackError
from tests.support.stack.java import find_java
from tests.support.stack.ports import HOST
from tests.support.stack.process_server import Command, ProcessServer

#: One log, on the standard output.
_LOG4J = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class ElasticsearchProcess(ProcessServer):
    kind = kinds.ELASTICSEARCH
    more_ports = ("transport",)

    def prepare(self) -> Command:
        home = distribution(f"elasticsearch-{versions.ELASTICSEARCH}", versions.ELASTICSEARCH_ZIP)
        config, scratch = self.folder / "config", self.folder / "tmp"
        for folder in (config, scratch, self.folder / "data", self.folder / "logs"):
            folder.mkdir(exist_ok=True)
        self._write_config(config, home)
        program = [str(home / "bin" / "elasticsearch")]
        env = {
            "ES_JAVA_HOME": find_java().home,
            "ES_JAVA_OPTS": "-Xms1g -Xmx1g",
            "ES_PATH_CONF": str(config),
            "ES_TMPDIR": str(scratch),
        }
        if os.geteuid() == 0:
            _give_to_nobody(self.folder)
            program = [*_as_nobody(reads=home / "bin" / "elasticsearch", writes=config), *program]
        return Command(arguments=program, env=env)

    def _write_config(self, config: Path, home: Path) -> None:
        settings = {
            "cluster.name": "amp",
            "node.name": "amp-1",
            "discovery.type": "single-node",
            "network.host": HOST,
            "http.port": self.port,
            "transport.port": self.ports["transport"],
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "xpack.security.enabled": False,
            # A developer's disk is often nearly full, which would make every index read-only.
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **self.settings,
        }
        # A JSON value is a YAML value.
        (config / "elasticsearch.yml").write_text(
            "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
        )
        (config / "log4j2.properties").write_text(_LOG4J)
        # Its own options, without those that write below its home, which is shared and read-only.
        options = (home / "config" / "jvm.options").read_text().splitlines()
        kept = [line for line in options if "logs/" not in line and "HeapDump" not in line]
        (config / "jvm.options").write_text("\n".join(kept) + "\n")


def _give_to_nobody(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody", _group())


def _as_nobody(*, reads: Path, writes: Path) -> list[str]:
    """The words before a command that make it run as `nobody`; Elasticsearch refuses to run as root.

    Its files may lie below a folder that only root may enter, as root's own cache does. Then it keeps the one
    capability that lets it pass, the weaker one if that is enough.
    """
    program = shutil.which("setpriv")
    if program is None:
        raise MissingProgram("setpriv (util-linux) is needed to run Elasticsearch as root; or run this as another user")
    plain = [program, "--reuid=nobody", f"--regid={_group()}", "--clear-groups"]
    for capability in ("", "dac_read_search", "dac_override"):
        kept = [
            "--securebits=+no_setuid_fixup",
            f"--inh-caps=-all,+{capability}",
            f"--ambient-caps=+{capability}",
        ]
        words = [*plain, *(kept if capability else [])]
        allowed = ["sh", "-c", 'test -r "$1" && test -w "$2"', "sh", str(reads), str(writes)]
        tried = subprocess.run([*words, *allowed], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if tried.returncode == 0:
            return words
    raise StackError(f"the user nobody can not read {reads} and write {writes}; run this as another user than root")


def _group() -> str:
    """Debian's name for it, or that of the others."""
    return "nogroup" if "nogroup:" in Path("/etc/group").read_text() else "nobody"
