"""The process that selects the assets of jobs, publishes an item for each and waits until each has a result."""

from amp.worker import worker_main


def main() -> None:
    worker_main("extract")


if __name__ == "__main__":
    main()
