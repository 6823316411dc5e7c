"""Code that tests share; a package of tests imports only itself and this one.

`stack` starts the real servers. `service` is AMP under test, in this process and as processes. `consistency`, `jobs`,
`moves`, `movies`, `queues` and `search` are what tests of these subjects share. `oracle` answers searches by brute
force. `simulated` has the ports in memory, under a scheduler that decides every step.
"""
