"""A service to deploy: it lists books and says what they cost."""
