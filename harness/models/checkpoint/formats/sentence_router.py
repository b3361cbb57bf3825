"""A router of sentence-transformers: a folder with a chain of modules for each of its routes (`query`, `document`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json

ROUTER_CONFIG = "router_config.json"


@dataclass(frozen=True, slots=True)
class Module:
    """One module of sentence-transformers: its class, without its package, and the folder that holds it."""

    kind: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Router:
    """The routes of a folder.

    Attributes:
        routes: route → its modules, in the order in which a text goes through them.
        default: the route of texts for which none is named; None where each text must name one.
    """

    routes: Mapping[str, tuple[Module, ...]]
    default: str | None

    @property
    def chain(self) -> tuple[Module, ...]:
        """The modules of the default route."""
        return () if self.default is None else self.routes[self.default]


def read_router(folder: Path) -> Router | None:
    """The router that a folder holds, if it is one.

    Raises:
        CheckpointError: when its configuration is damaged, or names what is not below the folder.
    """
    path = folder / ROUTER_CONFIG
    if not path.is_file():
        return None
    settings = read_json(path)
    structure, types, parameters = (settings.get(key) for key in ("structure", "types", "parameters"))
    if not isinstance(structure, dict) or not isinstance(types, dict) or not structure:
        raise CheckpointError("expected routes (`structure`) and modules (`types`).", where=Where(path))
    routes = {}
    for route, names in structure.items():
        if not isinstance(names, list) or not names or not all(_below(folder, name) for name in names):
            raise CheckpointError(
                f"expected names of folders beside this file as the modules of the route {route!r}, found {names!r}.",
                where=Where(path),
                hint="copy the folder again.",
            )
        routes[str(route)] = tuple(Module(str(types.get(name, "")).rpartition(".")[2], folder / name) for name in names)
    parameters = parameters if isinstance(parameters, dict) else {}
    default = parameters.get("default_route")
    if default is None and parameters.get("allow_empty_key", True):
        default = next(iter(routes))
    return Router(routes, default if default in routes else None)


def _below(folder: Path, name: object) -> bool:
    return isinstance(name, str) and Path(name).name == name and (folder / name).is_dir()


def encoder_folder(folder: Path) -> Path:
    """The folder of the encoder that reads a text: that of a router's default route, else the folder itself.

    Raises:
        CheckpointError: when the router has no default route, or is damaged.
    """
    router = read_router(folder)
    if router is None or (folder / "config.json").is_file():
        return folder
    if router.chain:
        return router.chain[0].folder
    raise no_route(folder, router)


def no_route(folder: Path, router: Router) -> CheckpointError:
    """The error where a folder with several encoders is asked, and none of them is meant."""
    named = ", ".join(f"{route} ({chain[0].folder.name})" for route, chain in router.routes.items())
    return CheckpointError(
        f"the folder is a router of sentence-transformers: its encoders are {named}.",
        where=Where(folder),
        hint=f"give the encoder of one route, such as {next(iter(router.routes.values()))[0].folder}.",
    )


def route_below(folder: Path) -> tuple[str, tuple[Module, ...]] | None:
    """The route of the router above a folder which begins with that folder, and its modules.

    Raises:
        CheckpointError: when the router is damaged.
    """
    router = read_router(folder.parent)
    for route, chain in router.routes.items() if router is not None else ():
        if chain[0].folder.name == folder.name:
            return route, chain
    return None
