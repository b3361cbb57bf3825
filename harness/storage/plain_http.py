"""Opening addresses by http and https, and by nothing else."""

from __future__ import annotations

import urllib.request


def http_opener() -> urllib.request.OpenerDirector:
    """http and https only: neither an address nor a redirect can name a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
