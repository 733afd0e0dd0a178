"""The releases that are played, and how each should end."""

from dataclasses import dataclass

from world.shop import Release


@dataclass(frozen=True)
class Story:
    """One release and what is expected of it."""

    title: str
    release: Release
    # What CodeDeploy should say in the end.
    ends: str
    # What each gate should answer; a gate that isn't named should not even be asked.
    answers: dict[str, str]
    # The version that customers should have afterwards.
    leaves: str
    # Whether customers may meet errors on the way.
    may_hurt: bool = False
    # Whether customers may meet the release at all.
    may_serve: bool = True
    # Whether nothing but a browser sees what is wrong with it.
    needs_browser: bool = False
    # Whether a model plays a customer as well, from one sentence.
    asks_model: bool = False
    # The checks that the reasons must name.
    named: tuple[str, ...] = ()


RUNNING = Release("1.0.0")
# Beside what examples/suites/shop.yaml asks of the shop: what AWS holds of the deployment. Here images are in no
# registry.
WIRED = """\
  - name: the deployment is wired well
    on: [pre-traffic]
    wiring: { except: [image-exists] }
"""

# And a reader in a real browser, where there is one: what no answer of an API says.
BROWSED = """\
  - name: a reader buys a book in a browser
    on: [pre-traffic]
    browser:
      step_timeout: 3s
      steps:
        - go: /
        - click: { role: link, name: Release It! }
        - type: { into: { role: textbox, name: Mail }, text: reader@example.com }
        - click: { role: button, name: Buy now }
        - name: the order is confirmed
          expect:
            - element: { role: status, contains: Thank you! }
"""

# The same in one sentence, for a model. What proves it is what a page shows, whatever the model says.
SENTENCE = """\
  - name: a customer buys two books
    on: [pre-traffic]
    agent:
      goal: Buy two copies of "Release It!", and see that the order is confirmed.
      model: eu.anthropic.claude-haiku-4-5-20251001-v1:0
      data: { mail: reader@example.com }
      step_timeout: 3s
      proof:
        - element: { role: status, contains: Thank you! }
"""

STORIES = [
    Story(
        title="a good release",
        release=Release("1.1.0"),
        ends="Succeeded",
        answers={"pre-traffic": "Succeeded", "post-traffic": "Succeeded"},
        leaves="1.1.0",
    ),
    Story(
        title="a release whose checkout is broken",
        release=Release("1.2.0", fault="checkout"),
        ends="Failed",
        answers={"pre-traffic": "Failed"},
        leaves="1.1.0",
        may_serve=False,
    ),
    Story(
        title="a release whose API answers as ever, and whose button does nothing",
        release=Release("1.2.1", fault="dead-button"),
        ends="Failed",
        answers={"pre-traffic": "Failed"},
        leaves="1.1.0",
        may_serve=False,
        needs_browser=True,
        asks_model=True,
        named=("a reader buys a book in a browser", "a customer buys two books"),
    ),
    Story(
        title="a release that breaks under production traffic",
        release=Release("1.3.0", fault="pool"),
        ends="Failed",
        answers={"pre-traffic": "Succeeded", "post-traffic": "Failed"},
        leaves="1.1.0",
        may_hurt=True,
    ),
    Story(
        title="a release older than the one that runs",
        release=Release("1.0.9"),
        ends="Failed",
        answers={"pre-traffic": "Failed"},
        leaves="1.1.0",
        may_serve=False,
    ),
]

# Comes last, through a pipeline that waits for somebody's yes.
APPROVED = Story(
    title="a release that waits for a yes",
    release=Release("1.4.0"),
    ends="Succeeded",
    answers={"pre-traffic": "Succeeded", "post-traffic": "Succeeded"},
    leaves="1.4.0",
)
