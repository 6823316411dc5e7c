"""Refuses requests that are meant for another data folder than the one served here."""

from flask import Flask, Response, request

from amp.api.errors import OtherFolder
from amp.data_folder import FOLDER_HEADER


def check_folder(app: Flask, served: str | None) -> None:
    """:param served: the identity of the data folder; None: none is served."""

    @app.before_request
    def check() -> None:
        if request.headers.get(FOLDER_HEADER, served) != served:
            raise OtherFolder

    @app.after_request
    def name(response: Response) -> Response:
        if served is not None and FOLDER_HEADER in request.headers:
            response.headers[FOLDER_HEADER] = served
        return response
