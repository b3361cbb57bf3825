from __future__ import annotations

from harness.data.sources.pip_settings import from_pip, settings

LISTING = r"""
global.index-url='https://user:secret@first.test/simple'
global.extra-index-url='https://a.test/simple\nhttps://b.test/simple'
global.trusted-host='a.test b.test'
install.find-links='/wheels'
:env:.cert='/certs/ca.pem'
broken line
global.proxy=not a literal
"""


def test_pips_listing_is_read_by_section() -> None:
    found = settings(LISTING, {})
    assert found.index == "https://user:secret@first.test/simple"
    assert found.extra == ("https://a.test/simple", "https://b.test/simple")
    assert found.trusted == ("a.test", "b.test")
    assert found.links == ("/wheels",)
    assert found.cert == "/certs/ca.pem"
    assert found.proxy is None
    assert not found.no_index


def test_the_environment_wins() -> None:
    environment = {"PIP_INDEX_URL": "https://c.test/simple", "PIP_NO_INDEX": "1", "PIP_DEFAULT_TIMEOUT": "5"}
    found = settings(LISTING, environment)
    assert found.index == "https://c.test/simple"
    assert found.no_index
    assert found.timeout == 5.0


def test_without_pips_settings_those_of_uv_and_requests_count() -> None:
    found = settings("", {"UV_DEFAULT_INDEX": "https://uv.test/simple", "REQUESTS_CA_BUNDLE": "/ca.pem"})
    assert found.index == "https://uv.test/simple"
    assert found.cert == "/ca.pem"
    assert settings("", {}).index is None


def test_the_real_pip_is_asked_without_failing() -> None:
    assert from_pip().timeout >= 1.0
