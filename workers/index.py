"""The process that writes changes from the queue to the search index."""

from amp.worker import worker_main


def main() -> None:
    worker_main("index")


if __name__ == "__main__":
    main()
