"""The process that republishes changes whose messages may have been lost."""

from amp.worker import worker_main


def main() -> None:
    worker_main("relay")


if __name__ == "__main__":
    main()
