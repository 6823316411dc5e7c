"""Asset types: registering them and their versions, and the catalogue that a process keeps of them.

Uses no other subject but `runtime`.
"""
