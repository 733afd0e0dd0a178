"""Where it is evening just now: there the development environment of the play is at home."""

from datetime import datetime, timedelta, timezone

from world.environments import Hours

# One place for each hour of the day, none of which changes its clocks: from UTC-11 to UTC+12.
PLACES = (
    "Pacific/Pago_Pago",
    "Pacific/Honolulu",
    "Pacific/Gambier",
    "Pacific/Pitcairn",
    "America/Phoenix",
    "America/Costa_Rica",
    "America/Bogota",
    "America/Puerto_Rico",
    "America/Sao_Paulo",
    "Atlantic/South_Georgia",
    "Atlantic/Cape_Verde",
    "Atlantic/Reykjavik",
    "Africa/Lagos",
    "Africa/Johannesburg",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Pacific/Guadalcanal",
    "Pacific/Tarawa",
)
WEST = -11
EVENING = 22
MORNING = 9
# The releases, which come first, put the clock forward by three quarters of an hour.
SOONEST = timedelta(hours=2)


def where_it_is_evening(now: datetime) -> Hours:
    """A place at which it is 22:00 in two hours at the soonest, and within the hour after that."""
    hour = (now + SOONEST).hour
    offset = (EVENING - 1 - hour - WEST) % len(PLACES) + WEST
    zone = timezone(timedelta(hours=offset))
    local = (now + SOONEST).astimezone(zone)
    evening = local.replace(hour=EVENING, minute=0, second=0, microsecond=0)
    morning = (evening + timedelta(days=1)).replace(hour=MORNING)
    return Hours(evening, morning, PLACES[offset - WEST])
