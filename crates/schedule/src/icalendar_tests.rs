use crate::Calendar;

fn told(events: &str) -> String {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n");
    match Calendar::from_icalendar(&text, 2025..=2028) {
        Ok(calendar) => calendar
            .days()
            .map(|(date, name)| format!("{date} {name}").trim_end().to_owned() + "\n")
            .collect(),
        Err(error) => error.to_string(),
    }
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n")
}

#[test]
fn an_all_day_event_is_a_holiday() {
    insta::assert_snapshot!(told(&event("UID:1\nDTSTART;VALUE=DATE:20261225\nSUMMARY:Christmas\\, the\n  first day")), @"2026-12-25 Christmas, the first day");
}

#[test]
fn an_event_of_many_days_ends_before_its_end() {
    insta::assert_snapshot!(told(&event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Closed")), @r"
    2026-12-24 Closed
    2026-12-25 Closed
    2026-12-26 Closed
    ");
    insta::assert_snapshot!(told(&event("DTSTART:20261231\nDURATION:P2D")), @r"
    2026-12-31
    2027-01-01
    ");
    insta::assert_snapshot!(told(&event("DTSTART:20261231\nDTEND:20261231")), @"2026-12-31");
}

#[test]
fn yearly_events_are_expanded() {
    insta::assert_snapshot!(told(&event("DTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20271225\nSUMMARY:Christmas")), @r"
    2025-12-25 Christmas
    2026-12-25 Christmas
    2028-12-25 Christmas
    ");
    insta::assert_snapshot!(told(&event("DTSTART;VALUE=DATE:19971127\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\nSUMMARY:Thanksgiving")), @r"
    2025-11-27 Thanksgiving
    2026-11-26 Thanksgiving
    2027-11-25 Thanksgiving
    2028-11-23 Thanksgiving
    ");
    insta::assert_snapshot!(told(&event("DTSTART;VALUE=DATE:20240527\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20270101T000000Z\nSUMMARY:Memorial Day")), @r"
    2025-05-26 Memorial Day
    2026-05-25 Memorial Day
    ");
    insta::assert_snapshot!(told(&event("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\nSUMMARY:Leap day")), @"2028-02-29 Leap day");
}

#[test]
fn yearly_events_with_the_rarer_parts() {
    insta::assert_snapshot!(told(&event("DTSTART:20240101\nRRULE:FREQ=YEARLY;INTERVAL=2;COUNT=2\nSUMMARY:Every other, twice")), @"2026-01-01 Every other, twice");
    insta::assert_snapshot!(told(&event("DTSTART:20240525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=MO;COUNT=3")), @r"
    2025-05-26
    2026-05-25
    ");
    insta::assert_snapshot!(told(&event("DTSTART:20251231\nRRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;WKST=SU\nSUMMARY:Last working day")), @r"
    2025-12-31 Last working day
    2026-12-31 Last working day
    2027-12-31 Last working day
    2028-12-29 Last working day
    ");
    insta::assert_snapshot!(told(&event("DTSTART:20280101\nRRULE:FREQ=YEARLY;BYMONTHDAY=-1\nSUMMARY:x")).lines().count().to_string(), @"12");
    insta::assert_snapshot!(told(&event("DTSTART:20250101\nRRULE:FREQ=YEARLY;BYDAY=1MO,-1SU;COUNT=4\nRDATE:20250704")), @r"
    2025-01-06
    2025-07-04
    2025-12-28
    2026-01-05
    2026-12-27
    ");
}

#[test]
fn one_date_of_a_series_may_be_moved_or_cancelled() {
    let series = event("UID:king\nDTSTART:20250427\nRRULE:FREQ=YEARLY\nSUMMARY:King's Day");
    let moved = event(
        "UID:king\nRECURRENCE-ID;VALUE=DATE:20250427\nDTSTART:20250426\nSUMMARY:King's Day, moved",
    );
    let cancelled = event("UID:king\nRECURRENCE-ID:20270427\nDTSTART:20270427\nSTATUS:CANCELLED");
    insta::assert_snapshot!(told(&(series + &moved + &cancelled)), @r"
    2025-04-26 King's Day, moved
    2026-04-27 King's Day
    2028-04-27 King's Day
    ");
}

#[test]
fn what_is_nested_and_beside_is_left_alone() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nEND:VTIMEZONE\n";
    let alarm = event(
        "DTSTART:20260501\nBEGIN:VALARM\nSUMMARY:wake\nDURATION:PT5M\nTRIGGER:-PT10M\nEND:VALARM\nX-NOTE;X-P=\"a:b\":c\nSUMMARY:Labour Day",
    );
    insta::assert_snapshot!(told(&(zone.to_owned() + &alarm)), @"2026-05-01 Labour Day");
}

#[test]
fn all_problems_are_told_with_their_lines() {
    let events = [
        event("DTSTART:20261225T090000Z"),
        event("SUMMARY:no date"),
        event("DTSTART:20261301"),
        event("DTSTART:20261225\nRRULE:FREQ=WEEKLY"),
        event("DTSTART:20261225\nRRULE:FREQ=YEARLY;BYWEEKNO=3"),
        event("DTSTART:20261225\nRRULE:FREQ=YEARLY;BYMONTH=13"),
        event("DTSTART:20261225\nDTEND:20261220"),
        event("DTSTART:20261225\nDURATION:PT4H"),
        event("DTSTART:18701225\nno colon here"),
    ];
    insta::assert_snapshot!(told(&events.concat()), @r#"
    line 4: DTSTART has a time of day, and only all-day events are holidays; write DTSTART;VALUE=DATE:20261225, or take the event out
    line 6: the event has no DTSTART; write DTSTART;VALUE=DATE:20261225
    line 10: "20261301" is not a date; write DTSTART;VALUE=DATE:20261225
    line 14: FREQ=WEEKLY is not supported for holidays; write FREQ=YEARLY, or one event for each date
    line 18: BYWEEKNO in the RRULE is not supported; use BYMONTH, BYMONTHDAY, BYDAY and BYSETPOS, or write one event for each date
    line 22: "BYMONTH=13" in the RRULE can't be read; write it as RFC 5545 says, or write one event for each date
    line 26: the event is -5 days long; write 1 to 366 days; DTEND is the first day after the event
    line 30: DURATION "PT4H" is not a number of days; write P1D, P2D or P1W
    line 33: the event begins before 1900; write a later year in DTSTART
    line 34: "no colon here" is not a line of an iCalendar file; write NAME:VALUE, or begin the line with a blank if it continues the one before
    "#);
}

#[test]
fn a_file_that_is_none() {
    let told = |text| {
        Calendar::from_icalendar(text, 2025..=2028)
            .expect_err("problems")
            .to_string()
    };
    insta::assert_snapshot!(told(""), @"line 1: this is not an iCalendar file; it begins with BEGIN:VCALENDAR");
    insta::assert_snapshot!(told("<!DOCTYPE html>\n<p style=\"a:b\">"), @"line 1: this is not an iCalendar file; it begins with BEGIN:VCALENDAR");
    insta::assert_snapshot!(told("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225"), @"line 2: BEGIN:VEVENT is never ended; the file is cut off; get it again");
    insta::assert_snapshot!(told("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VCALENDAR"), @"line 4: END:VCALENDAR ends nothing; BEGIN:VEVENT of line 2 is open; write END:VEVENT first");
    insta::assert_snapshot!(told("BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR"), @"line 3: END:VCALENDAR ends nothing; take the line out");
}
