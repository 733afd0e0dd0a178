"""A working AWS on loopback, for the demo and the end-to-end tests.

MiniStack and local-aws run as processes, `template.yaml` is deployed by SAM, a small shop runs as an ECS service.
Everything lives under `.local/` of the checkout and ends with the `World`; nothing here can reach a real account.
"""

from world.world import World

__all__ = ["World"]
