"""Work of libraries that hundreds of servers in one process would repeat: done once, with the same result.

The program starts one server; the suite starts two thousand. `make_quick` is called by the conftest, before any of
them.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from functools import cache
from types import SimpleNamespace

import sanic.signals
import sanic_routing.route
import sanic_routing.router
from sanic.mixins.routes import RouteMixin
from sanic.touchup import TouchUp

OBJECTS_BETWEEN_SWEEPS = 50_000


def make_quick() -> None:
    """Puts all of it in place."""
    _touch_up_once()
    _compile_routers_once()
    _remember_what_is_not_installed()


def _touch_up_once() -> None:
    """Sanic reads the sources of all handlers, to guess what their errors look like (the program makes all errors
    itself), and those of its own HTTP protocol, which it rewrites in the same way: half of a server's start."""
    RouteMixin._determine_error_format = lambda self, handler: ""
    touch_up = TouchUp.run

    def run(app):
        TouchUp.run = lambda app: None
        touch_up(app)

    TouchUp.run = run


def _compile_routers_once() -> None:
    """A router splits each path four times, writes its search as source, and compiles that."""
    split = cache(sanic_routing.router.path_to_parts)
    for module in (sanic_routing.router, sanic_routing.route, sanic.signals):
        module.path_to_parts = split
    same = SimpleNamespace(parse=str, unparse=str, fix_missing_locations=str)
    sanic_routing.router.ast = same
    sanic_routing.router.compile = cache(compile)


def _remember_what_is_not_installed() -> None:
    """httpx's transport looks for sniffio at every request, in every folder of the path."""
    if importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None


def sweep_less_often() -> None:
    """The modules and tests themselves, a million objects that stay, are looked through no more by the collector."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_SWEEPS, 20, 50)
