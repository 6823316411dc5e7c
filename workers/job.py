"""The process that does the work of jobs, asset by asset."""

from amp.worker import worker_main


def main() -> None:
    worker_main("job")


if __name__ == "__main__":
    main()
