"""The REST API as a WSGI application."""

from urllib.parse import unquote_to_bytes

from flask import request
from flask_openapi3.openapi import OpenAPI
from werkzeug.routing import PathConverter

from amp.api.compression import compress_responses
from amp.api.cors import allow_origins
from amp.api.errors import BadRequest, register_error_handlers
from amp.api.folders import check_folder
from amp.api.observation import observe
from amp.api.openapi import AmpOpenAPI, docs_blueprint
from amp.api.origins import check_origins
from amp.api.raw_path import UndecodedPaths
from amp.api.routes import (
    assets,
    buckets,
    bulk,
    dead_letters,
    entry,
    external_ids,
    health,
    jobs,
    search,
    types,
    versions,
)
from amp.bootstrap import Amp
from amp.data_folder import folder_identity


class _RestOfPath(PathConverter):
    """Matches the whole rest of the path, including slashes and line breaks."""

    regex = "(?s:.+)"
    part_isolating = False


def create_app(amp: Amp) -> OpenAPI:
    """Return the WSGI application that serves `amp`. The caller remains responsible for closing `amp`."""
    app = AmpOpenAPI(amp.settings)
    app.extensions["amp"] = amp
    # Paths are matched exactly as they are sent: external ids may contain slashes, also several in a row, and an
    # encoded slash differs from a plain one.
    app.wsgi_app = UndecodedPaths(app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way of adding middleware
    app.url_map.merge_slashes = False
    app.url_map.converters["rest"] = _RestOfPath
    observe(app, amp.metrics)
    settings = amp.settings
    check_origins(app, (settings.host, *settings.allowed_hosts), settings.cors_origins)
    check_folder(app, folder_identity(settings.data_dir) if settings.profile == "embedded" else None)
    app.before_request(_reject_undecodable_url)
    register_error_handlers(app)
    for module in (assets, external_ids, versions, bulk, types, search, buckets, jobs, dead_letters, health, entry):
        app.register_api(module.api)
    app.register_blueprint(docs_blueprint(app))
    # Flask runs the `after_request` functions in reverse order of registration.
    if amp.settings.cors_origins:
        allow_origins(app, amp.settings.cors_origins)
    compress_responses(app)
    return app


def _reject_undecodable_url() -> None:
    # Werkzeug would silently replace bytes that are not UTF-8.
    try:
        unquote_to_bytes(request.environ["PATH_INFO"].encode("latin-1")).decode()
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError as e:
        raise BadRequest("the percent-decoded URL is not valid UTF-8") from e
