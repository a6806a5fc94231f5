"""The ministry's description: its shape, how it is read, and the rules it must keep."""

import os

# Plugins that other packages may bring for pydantic are neither wanted nor looked for: the
# search alone reads every installed package's description.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from infra.model.jsonform import json_schema
from infra.model.loader import load
from infra.model.rules import Demand, demand
from infra.model.schema import Model

__all__ = ["Demand", "Model", "demand", "json_schema", "load"]
