-- Leases live in memory: the folder is held by one process, and the wall clock may be set back while it is not running.
DROP TABLE leases;
