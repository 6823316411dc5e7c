"""The process that publishes again the changes whose events may have been lost."""

from amp.worker import worker_main


def main() -> None:
    worker_main("relay")


if __name__ == "__main__":
    main()
