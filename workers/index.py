"""The process that takes changes from the queue into the search index."""

from amp.worker import worker_main


def main() -> None:
    worker_main("index")


if __name__ == "__main__":
    main()
