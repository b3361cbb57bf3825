"""The ready suites stand in `suites/` and are installed as the package `harness_suites`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["harness", "harness.*"]), "harness_suites"],
    package_dir={"harness_suites": "suites"},
)
