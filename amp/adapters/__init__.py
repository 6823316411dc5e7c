"""The ports on real technology, one package per technology. Only these packages import drivers."""
