"""Rejects requests for a different data folder from the one that this process serves."""

from flask import Flask, Response, request

from amp.api.errors import OtherFolder
from amp.data_folder import FOLDER_HEADER


def check_folder(app: Flask, served: str | None) -> None:
    """Compare the data folder that a request names in its header, if it does, with the one that is served.

    :param served: the identity of the data folder; None: this process serves none.
    """

    @app.before_request
    def check() -> None:
        if request.headers.get(FOLDER_HEADER, served) != served:
            raise OtherFolder

    @app.after_request
    def add_header(response: Response) -> Response:
        if served is not None and FOLDER_HEADER in request.headers:
            response.headers[FOLDER_HEADER] = served
        return response
