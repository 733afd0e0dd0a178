"""Three releases of a small shop, deployed for real against a local AWS: `make demo`."""
