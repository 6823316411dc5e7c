"""Running in the background: retries, loops, threads, leases and rates. Knows no other subject."""
