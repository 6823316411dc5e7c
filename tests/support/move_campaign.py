"""How much, how long and how often: a short share in every run, the full campaign with `make test-moves`."""

import os

from tests.support.campaign_seed import campaign_seed

#: The long run: every way to kill, and the service as it is by default, whose moves wait longer for searches to end.
FULL = os.environ.get("AMP_MOVES_FULL") == "1"
#: Assets loaded before anything moves.
ASSETS = int(os.environ.get("AMP_MOVES_ASSETS", "3000"))
WRITES_PER_S = float(os.environ.get("AMP_MOVES_WRITES_PER_S", "20"))
SEARCHES_PER_S = float(os.environ.get("AMP_MOVES_SEARCHES_PER_S", "5"))
#: Pages of one client that pages through everything.
PAGES_PER_S = 8.0 if FULL else 4.0
#: Assets seen in searches, one by one, before the test of moves under load ends.
CHECKS = int(os.environ.get("AMP_MOVES_CHECKS", "10000"))
#: Bucket workers killed at moments drawn at random.
KILLS = int(os.environ.get("AMP_MOVES_KILLS", "1"))
#: Assets of the tests that kill, pause, restart or leave a safeguard out.
FEW = int(os.environ.get("AMP_MOVES_FEW", "3000"))
#: Repeats the choices of an earlier run.
SEED = campaign_seed("AMP_MOVES_SEED")
rng, tell = SEED.rng, SEED.tell
