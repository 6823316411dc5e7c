"""The HTTP server: gunicorn's processes, each with an event loop for its connections and threads that run the API."""
