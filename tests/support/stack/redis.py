"""Redis as a plain process: Debian's server, keeping nothing on disk as a cache may."""

from __future__ import annotations

import shutil

from tests.support.stack import kinds
from tests.support.stack.errors import MissingProgram
from tests.support.stack.ports import HOST
from tests.support.stack.process_server import Command, ProcessServer


class RedisProcess(ProcessServer):
    """Loses its content when it ends, which the service must bear."""

    kind = kinds.REDIS

    def prepare(self) -> Command:
        program = shutil.which("redis-server")
        if program is None:
            raise MissingProgram("redis-server is needed")
        settings = {
            "bind": HOST,
            "port": self.port,
            "dir": self.folder,
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            **self.settings,
        }
        arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        return Command(arguments=[program, *arguments])
