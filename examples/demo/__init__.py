"""Releases of a small shop, deployed for real against a local AWS, and an approval: `make demo`."""
