"""The process that does what jobs are for, asset by asset."""

from amp.worker import worker_main


def main() -> None:
    worker_main("job")


if __name__ == "__main__":
    main()
