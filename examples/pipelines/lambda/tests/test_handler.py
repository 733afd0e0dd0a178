"""python -m unittest discover -s tests, with src on the path."""

import os
import unittest
from unittest import mock

from books.handler import handler


class Function(unittest.TestCase):
    """What callers and gates ask."""

    def test_a_book_has_a_price_and_an_unknown_one_has_none(self) -> None:
        self.assertEqual(handler({"action": "price", "book": 7}, None)["total"], 12.9)
        self.assertIn("error", handler({"action": "price", "book": 8}, None))

    def test_the_version_is_that_of_the_function(self) -> None:
        with mock.patch.dict(os.environ, {"VERSION": "1.2.0"}):
            self.assertEqual(handler({"action": "version"}, None), {"version": "1.2.0"})


if __name__ == "__main__":
    unittest.main()
