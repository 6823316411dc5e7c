"""Kafka as a plain process: one node that is broker and controller (KRaft)."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from tests.support.stack import kinds, versions
from tests.support.stack.artifacts import jars
from tests.support.stack.errors import StackError
from tests.support.stack.java import QUICK_START, find_java
from tests.support.stack.ports import HOST
from tests.support.stack.process_server import Command, ProcessServer


class KafkaProcess(ProcessServer):
    kind = kinds.KAFKA
    more_ports = ("controller",)

    def prepare(self) -> Command:
        library = jars(f"kafka-{versions.KAFKA}", versions.KAFKA_JARS)
        options = ["-Xms256m", "-Xmx256m", *(QUICK_START if self.quick else ())]
        java = [find_java().program, *options, "-cp", f"{library}/*"]
        config = self.folder / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format([*java, "kafka.tools.StorageTool"], config)
        return Command(arguments=[*java, "kafka.Kafka", str(config)])

    def _properties(self) -> dict[str, object]:
        controller = f"{HOST}:{self.ports['controller']}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENT://{HOST}:{self.port},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENT://{HOST}:{self.port}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "CLIENT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            # Fewer than the usual 50 files each: one node gains nothing from them, and starts faster.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # Lets a test notice a dead consumer in less than the usual 6 s.
            "group.min.session.timeout.ms": 1000,
            **self.settings,
        }

    def _format(self, tool: list[str], config: Path) -> None:
        # Kafka's own form of a cluster id; a leading dash would look like an option.
        cluster_id = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        command = [*tool, "format", "--ignore-formatted", "-t", cluster_id, "-c", str(config)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"Kafka's storage could not be formatted\n{(done.stdout + done.stderr)[-2000:]}")
