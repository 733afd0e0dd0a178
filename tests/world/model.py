"""What a scripted model says that plays a customer of the sample shop."""

from world.control import Json

# References are numbers of what can be used, in the order of the page: the books; then a field, a select with
# three options, and the button. It says that all is well, whatever it sees.
BUYS: list[Json] = [
    {"tools": [["click", {"ref": "@e2"}]]},
    {"tools": [["type", {"ref": "@e1", "data": "mail"}]]},
    {"tools": [["select", {"ref": "@e2", "option": "2"}]]},
    {"tools": [["click", {"ref": "@e6"}]]},
    {"tools": [["done", {"summary": "The order is confirmed."}]]},
]
