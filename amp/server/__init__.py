"""The HTTP server: gunicorn's processes, in each an event loop that reads and writes, and threads that run the API."""
