"""Asks Cloud Custodian's off-hours filters whether something is on, at many instants; run by bench_env.py.

Prints a line for each question: the instant in seconds, the value and the answer, parted by tabs. The answer is `on`,
`off`, `refused` where one of the two filters can't read the value, or `machine` where one takes the time zone of the
machine that it runs on. Some values are as people write them, others have been mutilated. The last line says how many
evaluations a second its filters make of the former.

Custodian holds no state: at any time it says only whether now is the hour to switch on or off. So the state is
found by asking hour by hour backwards until one of the two fires. Where both do, on wins; where none does in
three weeks, it is on, because nothing was ever switched off.
"""

import datetime
import logging
import random
import re
import sys
import time
import types

from c7n.filters import offhours  # type: ignore[import-untyped]

QUESTIONS = 6000
INSTANTS_A_VALUE = 10
MUTANTS = 4000
INSTANTS_A_MUTANT = 3
ROUNDS = 5
HALF_HOUR = 1800
THREE_WEEKS = 48 * 21
# Weeks with clock changes, in both halves of the world.
CHANGES = [(3, 8), (3, 14), (3, 29), (4, 5), (9, 27), (10, 4), (10, 25), (10, 31), (11, 1), (11, 7)]
ZONES = ["et", "pt", "ct", "mt", "gmt", "bst", "ist", "aet", "nzst", "at", "it", "utc", "America/New_York"]
ZONES += ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "America/St_Johns"]
ESCAPED = "()[],;=/-"
# What mutilates a value without making it mere noise.
PIECES = [
    *"()[],;=-'\" MTWHFSUxon0129",
    "tz=",
    "on=",
    "off=",
    ";on=",
    ";tz=",
    "u28",
    "u2c",
    ",(",
    "[(",
    "24",
    "M-F",
    "tz=pt",
    " ",
]

Dice = random.Random


class Clock(datetime.datetime):
    """The clock that the filters look at, and that is set here."""

    second = 0

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(cls.second, tz)


def pair(dice: Dice) -> str:
    first, last = dice.choice("MTWHFSU"), dice.choice("MTWHFSU")
    days = first if dice.random() < 0.3 else f"{first}-{last}"
    return f"({days},{dice.choice([dice.randrange(24), dice.randrange(4)])})"


def hours(dice: Dice) -> str:
    pairs = [pair(dice) for _ in range(dice.choice([1, 1, 1, 2, 3]))]
    if len(pairs) == 1 and dice.random() < 0.3:
        return pairs[0][1:-1]
    return ",".join(pairs) if dice.random() < 0.5 else f"[{','.join(pairs)}]"


def value(dice: Dice) -> str:
    """A value as people write it: any order, any case, with escapes, with something left out."""
    parts = [f"{key}={hours(dice)}" for key in ("off", "on") if dice.random() < 0.93]
    if not parts or dice.random() < 0.85:
        parts.append(f"tz={dice.choice(ZONES)}")
    dice.shuffle(parts)
    text = ";".join(parts) + dice.choice(["", "", "", ";"])
    text = dice.choice([text, text, text.lower(), text.upper()])
    if dice.random() < 0.15:
        text = "".join(f"u{ord(letter):x}" if letter in ESCAPED else letter for letter in text)
    return text


def mutant(dice: Dice) -> str:
    """A value that somebody has mistyped, cut off or put together from two."""
    text = value(dice)
    if dice.random() < 0.1:
        text = re.sub("(?i)(tz=)[^;]*", r"\1", text) if "=" in text else "tz="
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        start, end = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
        end = min(end, start + dice.choice([1, 1, 2, 6]))
        put = dice.choice(["", "", dice.choice(PIECES), dice.choice(PIECES), text[start:end] * 2])
        text = text[:start] + put + text[dice.choice([start, end]) :]
    return text


def instant(dice: Dice) -> int:
    if dice.random() < 0.5:
        return dice.randrange(1_577_836_800, 2_082_758_400)
    change = datetime.datetime(dice.randrange(2020, 2036), *dice.choice(CHANGES), tzinfo=datetime.UTC)
    return int(change.timestamp()) + dice.randrange(-8 * 86400, 8 * 86400)


class Custodian:
    """Both filters, as a policy would make them."""

    def __init__(self) -> None:
        offhours.datetime = types.SimpleNamespace(datetime=Clock)
        self.off, self.on = offhours.OffHour({}), offhours.OnHour({})
        self.failures, self.machine = 0, False
        offhours.log = types.SimpleNamespace(warning=self.failed, exception=self.failed)
        self.off.get_tz = self.on.get_tz = self.zone

    def failed(self, *_: object) -> None:
        """What the filters log when they can't read a value."""
        self.failures += 1

    def zone(self, name: str) -> datetime.tzinfo | None:
        self.machine |= not name.strip()
        return offhours.Time.get_tz(name)

    def answer(self, tag: str, second: int) -> str:
        self.failures, self.machine = 0, False
        self.fires(resource(tag), second)
        if self.failures or self.machine:
            return "refused" if self.failures else "machine"
        return "on" if self.is_on(resource(tag), second) else "off"

    def fires(self, resource: dict[str, object], second: int) -> tuple[bool, bool]:
        Clock.second = second
        return self.on(resource), self.off(resource)

    def is_on(self, resource: dict[str, object], second: int) -> bool:
        for step in range(THREE_WEEKS):
            on, off = self.fires(resource, second - step * HALF_HOUR)
            if on or off:
                return on
        return True


def resource(tag: str) -> dict[str, object]:
    return {"InstanceId": "i-1", "Tags": [{"Key": "maid_offhours", "Value": tag}]}


def rate(custodian: Custodian, questions: list[tuple[int, str]]) -> float:
    """Evaluations a second, the best of some rounds."""
    asked = [(second, resource(tag)) for second, tag in questions]
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for second, one in asked:
            custodian.fires(one, second)
        best = min(best, time.perf_counter() - start)
    return len(asked) / best


def main(seed: int) -> None:
    logging.disable(logging.CRITICAL)
    dice, custodian = Dice(seed), Custodian()
    questions = []
    for _ in range(QUESTIONS // INSTANTS_A_VALUE):
        tag = value(dice)
        questions += [(instant(dice), tag) for _ in range(INSTANTS_A_VALUE)]
    mutants = [mutant(dice) for _ in range(MUTANTS)]
    more = [(instant(dice), tag) for tag in mutants for _ in range(INSTANTS_A_MUTANT)]
    for second, tag in questions + more:
        print(second, tag, custodian.answer(tag, second), sep="\t")
    print(rate(custodian, questions))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
