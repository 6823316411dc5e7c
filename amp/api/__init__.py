"""The REST API. Each route parses the request, calls one service and presents the result as JSON."""
