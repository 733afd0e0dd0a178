"""Holds what happened against what was expected. Pure."""

from typing import Any

from demo.approval import Approval
from demo.customers import errors
from demo.night import AWAKE, BACK_END, DATA, FRONT_END, LOOKS_LIVE, OF_A_COUNT, SEARCH, SLEEPERS, WORKER, Night
from demo.play import Played

# "Within seconds of the verdict": the wish is that nobody is left with the bad version for longer.
BACK_WITHIN = 15.0
# The canary's share of customers, of which chance takes or gives some.
CANARY_SHARE = (0.04, 0.20)


def differences(played: Played) -> list[str]:
    """Each thing that is not as the story says, as a sentence."""
    story, version = played.story, played.story.release.version
    found = []
    if played.status != story.ends:
        found.append(f"the deployment of {version} should have ended {story.ends} and ended {played.status or 'not'}")
    found += [f"the {stage} gate was asked about {version} and never answered" for stage in _unanswered(played)]
    if played.answers != story.answers:
        found.append(f"the gates should have answered {_spoken(story.answers)} and answered {_spoken(played.answers)}")
    reasons = [reason for outcome in played.outcomes.values() for reason in outcome.reasons]
    found += [
        f"the reasons for {version} should have named the check {name!r} and are: {'; '.join(reasons) or 'none'}"
        for name in story.named
        if not any(name in reason for reason in reasons)
    ]
    if played.serving_afterwards != {story.leaves}:
        now = ", ".join(sorted(played.serving_afterwards)) or "nothing"
        found.append(f"customers should have had {story.leaves} after {version} and had {now}")
    if not story.may_serve and version in played.served:
        found.append(f"{version} served {played.served[version].total()} production requests and should have had none")
    if not story.may_hurt and errors(played.got):
        found.append(f"customers met {errors(played.got)} errors during {version} and should have met none")
    return found + _of_traffic(played) + _of_reports(played)


def approval_differences(approval: Approval) -> list[str]:
    """The same for the chapter of the approval."""
    found = []
    if approval.forged != 401:
        found.append(f"a forged click should have been refused with 401 and got {approval.forged}")
    if approval.replayed != 401:
        found.append(f"a replayed click should have been refused with 401 and got {approval.replayed}")
    if "superseded" not in approval.superseded.lower():
        found.append(f"a click on what had changed should have been superseded and was told: {approval.superseded}")
    if approval.taken_wrongly:
        found.append(f"CodePipeline took {approval.taken_wrongly} answers that should not have counted")
    if approval.taken != 1:
        found.append(f"CodePipeline should have taken one answer and took {approval.taken}")
    if not approval.summary.startswith("Approved by lead"):
        found.append(f"the approver should stand first in the pipeline's comment, which is: {approval.summary}")
    if len(set(approval.questions)) != 2:
        found.append(f"people should have been asked twice and were asked {len(set(approval.questions))} times")
    if "Approved by" not in approval.changed:
        found.append("the message should have changed into who approved and did not")
    if "succeeded" not in approval.outcome:
        found.append("the thread should have told that the release succeeded and did not")
    return found


def night_differences(night: Night) -> list[str]:
    """The same for the chapter of the night."""
    found = [f"in the morning as in the evening should have been: {line}" for line in night.differs]
    found += [f"{place} should have been awake still and slept" for place in night.too_early]
    found += [f"the night had a problem: {problem}" for problem in night.problems]
    found += [f"{place} should have slept and did not" for place in SLEEPERS if place not in night.slept]
    found += [f"{place} should have been left alone and slept" for place in AWAKE if place in night.slept]
    if not night.compared:
        found.append("the morning should have been compared with the evening and was not")
    return found + _of_people(night) + _of_order(night) + _of_counts(night)


def _of_people(night: Night) -> list[str]:
    """What the team should have been told."""
    found = []
    if sorted(night.notices) != ["22:00", "23:00"]:
        found.append(f"people should have been told of two sleeps before and were of {sorted(night.notices)}")
    if not night.snoozed.startswith("Done"):
        found.append(f"a link should have put the sleep off and its page said: {night.snoozed or 'nothing'}")
    for place, reason in {SEARCH: "a deployment is in progress", LOOKS_LIVE: "looks like production"}.items():
        if reason not in night.reasons.get(place, ""):
            found.append(f"of {place} should have been told: {reason}; it was: {night.reasons.get(place)}")
    if not (WORKER in night.summary and "Saved by this sleep" in night.summary):
        found.append("the morning's message should have told the conflict and the savings and did not")
    return found


def _of_order(night: Night) -> list[str]:
    """Who sleeps first and who wakes first."""
    tiers = [DATA, BACK_END, FRONT_END]
    slept = [place for place in night.slept if place in tiers]
    woke = [place for place in night.woke if place in tiers]
    found = []
    if slept != tiers[::-1]:
        found.append(f"front ends should have slept first and databases last; it was {', '.join(slept)}")
    if woke != tiers:
        found.append(f"databases should have woken first and front ends last; it was {', '.join(woke)}")
    return found


def _of_counts(night: Night) -> list[str]:
    expected = dict.fromkeys(SLEEPERS, 0) | {WORKER: 1}
    expected |= {place: night.evening.get(place, 0) for place in AWAKE}
    found = [
        f"{place} should have had a count of {count} at night and had {night.at_night.get(place)}"
        for place, count in expected.items()
        if night.at_night.get(place) != count
    ]
    if night.alarm.get("desired") != 0:
        found.append(f"an alarm should not have woken {BACK_END} and came to {night.alarm}")
    expected_levels = {"expected": 0, "found": 1}
    levels = {name: (night.conflict.get(name) or {}).get("desired") for name in expected_levels}
    if levels != expected_levels:
        found.append(f"the conflict of {WORKER} should have been recorded as {expected_levels} and was as {levels}")
    fields = {line.split(":", 1)[0].split()[-1] for line in night.left_alone}
    if night.morning.get(WORKER) != 1 or fields != OF_A_COUNT:
        found.append(f"{WORKER} should have been left at a count of 1 and nothing else, and is: {night.left_alone}")
    return found


def _unanswered(played: Played) -> list[str]:
    return sorted(played.asked - set(played.answers))


def _of_traffic(played: Played) -> list[str]:
    story, version = played.story, played.story.release.version
    low, high = CANARY_SHARE
    found = []
    if story.may_serve and not (played.canary_share and low <= played.canary_share <= high):
        found.append(f"the canary {version} should have had about 10 % of the traffic and had {played.canary_share}")
    if story.ends == "Failed" and not played.rolled_back:
        found.append(f"{version} should have been rolled back and was not")
    if (played.seconds_until_back or 0) > BACK_WITHIN:
        found.append(f"{version} served customers for {played.seconds_until_back:.1f} s after the verdict")
    return found


def _of_reports(played: Played) -> list[str]:
    return [
        f"the {stage} gate stored no report for {played.story.release.version}"
        for stage in played.answers
        if not (stage in played.outcomes and played.outcomes[stage].report)
    ]


def _spoken(answers: dict[str, str]) -> str:
    return ", ".join(f"{stage} {answer}" for stage, answer in sorted(answers.items(), reverse=True)) or "nothing"


def summary(played: Played, reports: dict[str, str]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "release": played.story.release.version,
        "title": played.story.title,
        "deployment_id": played.deployment_id,
        "expected": {"status": played.story.ends, "answers": played.story.answers},
        "got": {"status": played.status, "answers": played.answers, "error": played.error},
        "as_expected": not differences(played),
        "differences": differences(played),
        "reasons": {stage: outcome.reasons for stage, outcome in played.outcomes.items()},
        "canary_share": played.canary_share,
        "rolled_back": played.rolled_back,
        "seconds_until_traffic_was_back": played.seconds_until_back,
        "production_requests": {version: dict(counts) for version, counts in played.served.items()},
        "customers": {"answers": dict(played.got), "errors": errors(played.got)},
        "seconds": round(played.seconds, 1),
        "reports": reports,
    }
