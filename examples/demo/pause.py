"""The lead, who is asked by mail before each step of a canary and answers by the signed link in it."""

from urllib.parse import urlsplit

from world import World
from world.approver import Visitor, link_payload
from world.control import Json
from world.inbox import Mail

from demo.screen import Screen

MAILBOX = "lead@example.com"


class Lead:
    """Opens the link that says yes, and sends the page's form."""

    def __init__(self, world: World, screen: Screen, service: str) -> None:
        self._world, self._screen, self._service = world, screen, service
        self._answered: set[str] = set()

    def asked_by(self, deployment: Json) -> bool:
        """Whether a pause of the deployment waits that was not answered yet."""
        waiting = {
            hook["hookId"]
            for hook in deployment.get("lifecycleHookDetails", [])
            if hook["targetType"] == "PAUSE" and hook["status"] == "AWAITING_ACTION"
        }
        return bool(waiting - self._answered)

    def approve(self, deployment: Json, share: int) -> None:
        """Answers the pause that waits; `share` is what the new revision has of production traffic."""
        self._screen.line("ECS", f"pauses at {share} % of production traffic, before the next step")
        mail = self._world.inbox.wait_mail(self._service, self._is_question)
        self._screen.line("mail", f"to {MAILBOX}: {mail.subject}")
        link = self._links(mail)["approve"]
        visitor = Visitor(self._world.door)
        page = visitor.get(link)
        answer = visitor.submit(link, page, "Looks good")
        if answer.status not in {200, 303}:
            raise TimeoutError(f"the lead's yes was answered with {answer.status}: {answer.body[:300]}")
        self._answered.add(link_payload(link)["case"])
        self._answered |= {hook["hookId"] for hook in deployment["lifecycleHookDetails"]}
        self._screen.line("lead", "opens the signed link and presses “Approve”", mood="good", took=answer.took)

    def _is_question(self, mail: Mail) -> bool:
        links = self._links(mail)
        return (
            MAILBOX in mail.to and "approve" in links and link_payload(links["approve"])["case"] not in self._answered
        )

    def _links(self, mail: Mail) -> dict[str, str]:
        """The links to the decision page, by what they may do."""
        own = [link for link in mail.links() if urlsplit(link).netloc == self._world.door.host]
        return {str(link_payload(link)["act"]): link for link in own}
