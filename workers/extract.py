"""The process that finds the assets of jobs, sends an event for each, and sees each accounted for."""

from amp.worker import worker_main


def main() -> None:
    worker_main("extract")


if __name__ == "__main__":
    main()
