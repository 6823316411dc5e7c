"""The process that keeps the time buckets: opens, splits, merges and rebuilds them."""

from amp.worker import worker_main


def main() -> None:
    worker_main("bucket")


if __name__ == "__main__":
    main()
