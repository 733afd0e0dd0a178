"""python -m unittest discover -s tests, with src on the path."""

import json
import unittest

from books.service import answer


class Service(unittest.TestCase):
    """What customers and gates ask."""

    def test_the_home_page_lists_the_books(self) -> None:
        home = answer("GET", "/", {})
        self.assertEqual((home.status, home.content_type), (200, "text/html; charset=utf-8"))
        self.assertIn(b"<li>The Sea from Here</li>", home.body)

    def test_a_book_has_a_price_and_an_unknown_one_has_none(self) -> None:
        self.assertEqual(json.loads(answer("GET", "/api/price?book=7", {}).body), {"book": 7, "total": 12.9})
        self.assertEqual(answer("GET", "/api/price?book=8", {}).status, 404)

    def test_the_version_is_that_of_the_task_definition(self) -> None:
        self.assertEqual(json.loads(answer("GET", "/version", {"VERSION": "1.2.0"}).body), {"version": "1.2.0"})

    def test_anything_else_is_not_here(self) -> None:
        self.assertEqual(answer("POST", "/", {}).status, 404)


if __name__ == "__main__":
    unittest.main()
