"""The process that maintains the time buckets: it opens, splits, merges and rebuilds them."""

from amp.worker import worker_main


def main() -> None:
    worker_main("bucket")


if __name__ == "__main__":
    main()
