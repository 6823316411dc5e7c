"""How much of a random campaign one run takes: all of it in CI, a quarter elsewhere; every run draws other cases."""

import os


def share(whole: int) -> int:
    return whole if os.environ.get("CI") == "true" else whole // 4
