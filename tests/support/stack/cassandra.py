"""Cassandra as a plain process: one node."""

from __future__ import annotations

import json

from tests.support.stack import kinds, versions
from tests.support.stack.artifacts import jars
from tests.support.stack.java import QUICK_START, find_java
from tests.support.stack.ports import HOST
from tests.support.stack.process_server import Command, ProcessServer

#: What Cassandra's own start script passes for Java 17 (`jvm17-server.options`), by module.
_EXPORTS = {
    "java.base": "jdk.internal.misc jdk.internal.ref java.lang.ref sun.nio.ch",
    "java.management.rmi": "com.sun.jmx.remote.internal.rmi",
    "java.rmi": "sun.rmi.registry sun.rmi.server sun.rmi.transport.tcp",
    "java.sql": "java.sql",
    "jdk.unsupported": "sun.misc",
    "jdk.attach": "sun.tools.attach",
    "jdk.compiler": "com.sun.tools.javac.file",
}
_OPENS = {
    "java.base": "java.io java.lang java.lang.module java.nio java.util java.util.concurrent "
    "java.util.concurrent.atomic jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math "
    "jdk.internal.module jdk.internal.util.jar sun.nio.ch",
    "jdk.management": "com.sun.management.internal",
    "java.rmi": "sun.rmi.transport.tcp",
}

#: Without a configuration logback writes every debug line.
_LOGBACK = """<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level [%thread] %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
"""


class CassandraProcess(ProcessServer):
    kind = kinds.CASSANDRA
    more_ports = ("storage",)

    def prepare(self) -> Command:
        library = jars(f"cassandra-{versions.CASSANDRA}", versions.CASSANDRA_JARS)
        config = self.folder / "cassandra.yaml"
        # A JSON value is a YAML value.
        config.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in self._config().items()))
        logback = self.folder / "logback.xml"
        logback.write_text(_LOGBACK)
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        options = [
            "-Xms1g",
            "-Xmx2g",
            *(QUICK_START if self.quick else ()),
            *_module_options("--add-exports", _EXPORTS),
            *_module_options("--add-opens", _OPENS),
            "-Djdk.attach.allowAttachSelf=true",
            # Refused by default since Java 18; Cassandra installs a security manager of its own.
            "-Djava.security.manager=allow",
            f"-Djava.io.tmpdir={scratch}",
            f"-Dlogback.configurationFile={logback.as_uri()}",
            f"-Dcassandra.config={config.as_uri()}",
            f"-Dcassandra.storagedir={self.folder / 'data'}",
            "-Dcassandra-foreground=yes",
            # A lone node has nobody to wait for.
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.ring_delay_ms=1",
        ]
        if self.brief:
            # As in Cassandra's own tests: no table of the schema is written to disk for each change of it.
            options.append("-Dcassandra.test.flush_local_schema_changes=false")
        main_class = "org.apache.cassandra.service.CassandraDaemon"
        return Command(arguments=[find_java().program, *options, "-cp", f"{library}/*", main_class])

    def _config(self) -> dict[str, object]:
        data = self.folder / "data"
        seeds = {
            "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
            "parameters": [{"seeds": f"{HOST}:{self.ports['storage']}"}],
        }
        return {
            "cluster_name": "amp",
            "num_tokens": 16,
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "data_file_directories": [str(data / "data")],
            "commitlog_directory": str(data / "commitlog"),
            "saved_caches_directory": str(data / "saved_caches"),
            "hints_directory": str(data / "hints"),
            "cdc_raw_directory": str(data / "cdc_raw"),
            "commitlog_sync": "periodic",
            "commitlog_sync_period": "10000ms",
            "seed_provider": [seeds],
            "listen_address": HOST,
            "rpc_address": HOST,
            "native_transport_port": self.port,
            "storage_port": self.ports["storage"],
            "endpoint_snitch": "SimpleSnitch",
            # Tests drop keyspaces by the hundred; each snapshot would stay on disk for ever.
            "auto_snapshot": False,
            **self.settings,
        }


def _module_options(option: str, packages: dict[str, str]) -> list[str]:
    return [f"{option}={module}/{name}=ALL-UNNAMED" for module, names in packages.items() for name in names.split()]
