"""What the tests of the templates share."""

import pytest
from world import templates
from world.templates import Json


@pytest.fixture(scope="session")
def template() -> Json:
    """template.yaml"""
    return templates.load(templates.TEMPLATE)


@pytest.fixture(scope="session")
def resources(template: Json) -> Json:
    """Its resources."""
    return dict(template["Resources"])
