"""A function to deploy: it says what books cost."""
