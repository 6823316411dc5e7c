"""Locates the migrations and index templates, in an installed wheel or in a checkout."""

from pathlib import Path


def resource_folder(name: str) -> Path:
    """Return the path of the folder `name` ("migrations" or "index_templates").

    :raises FileNotFoundError: the folder is in neither place, so the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_resources" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of amp; install it again")
