"""The two profiles, embedded and cluster. Each provides one adapter for every port.

The libraries of a profile are imported only if it is used.
"""

from amp.ports.background import Background
from amp.ports.clock import Clock
from amp.profiles.adapters import Adapters
from amp.settings import Settings

__all__ = ["Adapters", "cluster", "embedded", "system_clock"]


def system_clock() -> Clock:
    """Return the clock of the machine, which both profiles use."""
    from amp.adapters.clock import SystemClock

    return SystemClock()


def embedded(settings: Settings, *, create: bool = True) -> Adapters:
    """Return the adapters of the embedded profile: SQLite and the memory of this process.

    :param create: create the data folder and the store in it if they do not exist.
    :raises NoData: they do not exist, and `create` is false.
    :raises BadSetting, DataDirLocked: the data folder cannot be used, or another process has locked it.
    """
    from amp.profiles.embedded_adapters import embedded_adapters

    return embedded_adapters(settings, create=create)


def cluster(settings: Settings, background: Background) -> Adapters:
    """Return the adapters of the cluster profile, which connect to their servers on first use."""
    from amp.profiles.cluster_adapters import cluster_adapters

    return cluster_adapters(settings, background)
