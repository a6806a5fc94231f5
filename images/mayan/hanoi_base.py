"""Mayan's own settings without the parts that this image has no use for.

Left out are clients of systems that are not here (their libraries are not in the image either),
and sources of documents that would read the container's own files, the database's password
among them.
"""

from mayan.settings.production import *  # noqa: F403

LEFT_OUT = (
    "autoadmin",
    "credentials_google",
    "file_metadata_clamav",
    "file_metadata_ollama",
    "file_metadata_openai",
    "fundraisers",
    "mirroring",
    "platforms_sentry",
    "source_sane_scanners",
    "source_staging_folders",
    "source_staging_storages",
    "source_watch_folders",
    "source_watch_storages",
)
INSTALLED_APPS = [
    app
    for app in INSTALLED_APPS  # noqa: F405
    if not app.startswith(tuple(f"mayan.apps.{name}." for name in LEFT_OUT))
]
