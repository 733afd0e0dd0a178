use jiff::civil::date;

use crate::Calendar;

fn outcome(events: &str) -> String {
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
    insta::assert_snapshot!(outcome(&event("UID:1\nDTSTART;VALUE=DATE:20261225\nSUMMARY:Christmas\\, the\n  first day")), @"2026-12-25 Christmas, the first day");
}

#[test]
fn an_event_of_many_days_ends_before_its_end() {
    insta::assert_snapshot!(outcome(&event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Closed")), @r"
    2026-12-24 Closed
    2026-12-25 Closed
    2026-12-26 Closed
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART:20261231\nDURATION:P2D")), @r"
    2026-12-31
    2027-01-01
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART:20261231\nDTEND:20261231")), @"2026-12-31");
}

#[test]
fn yearly_events_are_expanded() {
    insta::assert_snapshot!(outcome(&event("DTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20271225\nSUMMARY:Christmas")), @r"
    2025-12-25 Christmas
    2026-12-25 Christmas
    2028-12-25 Christmas
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART;VALUE=DATE:19971127\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\nSUMMARY:Thanksgiving")), @r"
    2025-11-27 Thanksgiving
    2026-11-26 Thanksgiving
    2027-11-25 Thanksgiving
    2028-11-23 Thanksgiving
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART;VALUE=DATE:20240527\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20270101T000000Z\nSUMMARY:Memorial Day")), @r"
    2025-05-26 Memorial Day
    2026-05-25 Memorial Day
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\nSUMMARY:Leap day")), @"2028-02-29 Leap day");
}

#[test]
fn yearly_events_with_the_rarer_parts() {
    insta::assert_snapshot!(outcome(&event("DTSTART:20240101\nRRULE:FREQ=YEARLY;INTERVAL=2;COUNT=2\nSUMMARY:Every other, twice")), @"2026-01-01 Every other, twice");
    insta::assert_snapshot!(outcome(&event("DTSTART:20240525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=MO;COUNT=3")), @r"
    2025-05-26
    2026-05-25
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART:20251231\nRRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;WKST=SU\nSUMMARY:Last working day")), @r"
    2025-12-31 Last working day
    2026-12-31 Last working day
    2027-12-31 Last working day
    2028-12-29 Last working day
    ");
    insta::assert_snapshot!(outcome(&event("DTSTART:20280101\nRRULE:FREQ=YEARLY;BYMONTHDAY=-1\nSUMMARY:x")).lines().count().to_string(), @"12");
    insta::assert_snapshot!(outcome(&event("DTSTART:20250101\nRRULE:FREQ=YEARLY;BYDAY=1MO,-1SU;COUNT=4\nRDATE:20250704")), @r"
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
    insta::assert_snapshot!(outcome(&(series + &moved + &cancelled)), @r"
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
    insta::assert_snapshot!(outcome(&(zone.to_owned() + &alarm)), @"2026-05-01 Labour Day");
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
    insta::assert_snapshot!(outcome(&events.concat()), @r#"
    line 4: DTSTART has a time of day, and only all-day events are holidays; write DTSTART;VALUE=DATE:20261225, or take the event out
    line 6: the event has no DTSTART; write DTSTART;VALUE=DATE:20261225
    line 10: "20261301" is not a date; write DTSTART;VALUE=DATE:20261225
    line 14: FREQ=WEEKLY is not supported for holidays; write FREQ=YEARLY, or one event for each date
    line 18: "BYWEEKNO" in the RRULE is not supported; use BYMONTH, BYMONTHDAY, BYDAY and BYSETPOS, or write one event for each date
    line 22: "BYMONTH=13" in the RRULE can't be read; write it as RFC 5545 says, or write one event for each date
    line 26: the event is -5 days long; write 1 to 366 days; DTEND is the first day after the event
    line 30: DURATION "PT4H" is not a number of days; write P1D, P2D or P1W
    line 33: the event begins before 1900; write a later year in DTSTART
    line 34: "no colon here" is not a line of an iCalendar file; write NAME:VALUE, or begin the line with a blank if it continues the one before
    "#);
}

#[test]
fn a_file_that_is_none() {
    let outcome = |text| {
        Calendar::from_icalendar(text, 2025..=2028)
            .expect_err("problems")
            .to_string()
    };
    insta::assert_snapshot!(outcome(""), @"line 1: this is not an iCalendar file; it begins with BEGIN:VCALENDAR");
    insta::assert_snapshot!(outcome("<!DOCTYPE html>\n<p style=\"a:b\">"), @"line 1: this is not an iCalendar file; it begins with BEGIN:VCALENDAR");
    insta::assert_snapshot!(outcome("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225"), @"line 2: BEGIN:VEVENT is never ended; the file is cut off; get it again");
    insta::assert_snapshot!(outcome("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VCALENDAR"), @"line 4: END:VCALENDAR ends nothing; BEGIN:VEVENT of line 2 is open; write END:VEVENT first");
    insta::assert_snapshot!(outcome("BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR"), @"line 3: END:VCALENDAR ends nothing; take the line out");
}

fn read(text: &str) -> Result<Calendar, String> {
    Calendar::from_icalendar(text, 2020..=2060).map_err(|error| error.to_string())
}

/// A file of these lines within events.
fn file(events: &[&str]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|lines| format!("BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\n"))
        .collect();
    format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", events.concat())
}

#[test]
fn a_calendar_in_utf_16_is_read_and_one_in_latin_1_is_refused_with_the_place() {
    let text = file(&["DTSTART;VALUE=DATE:20260501\r\nSUMMARY:Tag der Arbeit – größer"]);
    let units = |to: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(to).collect() };
    let marked = |mark: &[u8], rest: Vec<u8>| [mark.to_vec(), rest].concat();
    let expected = read(&text).unwrap();
    for bytes in [
        text.as_bytes().to_vec(),
        marked(b"\xef\xbb\xbf", text.as_bytes().to_vec()),
        marked(b"\xff\xfe", units(u16::to_le_bytes)),
        marked(b"\xfe\xff", units(u16::to_be_bytes)),
        units(u16::to_le_bytes),
        units(u16::to_be_bytes),
    ] {
        assert_eq!(
            Calendar::from_bytes(&bytes, 2020..=2060).as_ref(),
            Ok(&expected)
        );
    }
    let dates: Vec<u8> = "2026-12-25 Noël"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let dates = Calendar::from_bytes(&marked(b"\xff\xfe", dates), 2020..=2060).unwrap();
    assert_eq!(dates.name(date(2026, 12, 25)), Some("Noël"));
    let outcome = |bytes: &[u8]| {
        Calendar::from_bytes(bytes, 2020..=2060)
            .unwrap_err()
            .to_string()
    };
    let latin: Vec<u8> = text
        .replace('–', "-")
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect();
    insta::assert_snapshot!(outcome(&latin), @"line 4: the file is not UTF-8: here is the byte 0xF6, as in files in Latin-1 or Windows-1252; save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW");
    insta::assert_snapshot!(outcome(b"2026-12-25 No\xebl\n"), @"line 1: the file is not UTF-8: here is the byte 0xEB, as in files in Latin-1 or Windows-1252; save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW");
    insta::assert_snapshot!(outcome(b"\xff\xfeB\0E"), @"line 1: the file is UTF-16 that is cut off or damaged; get it again, or save it as UTF-8");
    insta::assert_snapshot!(outcome(b"\xff\xfe\x00\xd8"), @"line 1: the file is UTF-16 that is cut off or damaged; get it again, or save it as UTF-8");
    insta::assert_snapshot!(outcome(b""), @"line 1: this is not an iCalendar file; it begins with BEGIN:VCALENDAR");
}

/// Each of these would take minutes, gigabytes or the stack if nothing bounded it.
#[test]
fn a_hostile_calendar_is_refused_with_the_bound_and_soon() {
    let day = "DTSTART;VALUE=DATE:20260501";
    let yearly = "DTSTART;VALUE=DATE:19000501\r\nRRULE:FREQ=YEARLY;COUNT=9999";
    let many = |item: &str, number: usize| vec![item; number].join(",");
    let all_days = std::iter::successors(Some(date(1900, 1, 1)), |day| day.tomorrow().ok());
    let dates: Vec<String> = all_days
        .take(60_000)
        .map(|day| day.strftime("%Y%m%d").to_string())
        .collect();
    let dates = dates.join(",");
    let huge = "x".repeat(2 * 1024 * 1024);
    let outcome = |text: &str| {
        let begin: String = text.chars().take(120).collect();
        let error = Calendar::from_bytes(text.as_bytes(), 2020..=2060).expect_err(&begin);
        assert!(error.problems.len() <= 51, "{}", error.problems.len());
        let first = error.to_string();
        let first = first.lines().next().unwrap().to_owned();
        assert!(first.len() < 300, "{}", first.len());
        first
    };
    let refused = [
        file(&[&huge]),
        format!("BEGIN:VCALENDAR\n{}", "A:\n".repeat(60_000)),
        file(&vec![day; 5_001]),
        file(&vec![yearly; 501]),
        file(&[&format!("{day}\r\nEXDATE:{dates}")]),
        file(&[&format!("{day}\r\nRDATE:{dates}")]),
        file(&[&format!(
            "{day}\r\nRRULE:FREQ=YEARLY;BYMONTHDAY={}",
            many("1", 100_000)
        )]),
        file(&[&format!(
            "{day}\r\nRRULE:FREQ=YEARLY;BYSETPOS={}",
            many("-1", 100_000)
        )]),
        file(&vec![
            "DTSTART;VALUE=DATE:20200101\r\nDTEND;VALUE=DATE:20201231\r\nRRULE:FREQ=YEARLY";
            400
        ]),
        file(&["DTSTART;VALUE=DATE:99990501"]),
        format!("BEGIN:VCALENDAR\n{}", "BEGIN:A\n".repeat(10_000)),
        format!("BEGIN:VCALENDAR\n{}", "no colon\n".repeat(10_000)),
        format!("BEGIN:VCALENDAR\n{}", "é".repeat(100_000)),
        "2026-99-99\n".repeat(40_000),
        "9999-12-31\n".to_owned(),
    ];
    let refused: Vec<String> = refused.iter().map(|text| outcome(text)).collect();
    insta::assert_snapshot!(refused.join("\n"), @r#"
    line 1: the file is larger than 1048576 bytes; keep only the holidays that matter, or make several files of it
    line 1: BEGIN:VCALENDAR is never ended; the file is cut off; get it again
    line 15002: the file has more than 5000 events; keep only the holidays that matter, or make several files of it
    line 2002: the file has more than 500 yearly events; keep only the holidays that matter, or make several files of it
    line 2: the file has more than 10000 dates in RDATE and EXDATE; keep only the holidays that matter, or make several files of it
    line 2: the file has more than 10000 dates in RDATE and EXDATE; keep only the holidays that matter, or make several files of it
    line 4: "BYMONTHDAY=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1…" in the RRULE can't be read; write it as RFC 5545 says, or write one event for each date
    line 4: "BYSETPOS=-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1…" in the RRULE can't be read; write it as RFC 5545 says, or write one event for each date
    line 1: the events come to more than 50000 days; keep only the holidays that matter, or make several files of it
    line 3: 9999-05-01 lies after 2199; write an earlier year
    line 17: BEGIN:"A" lies more than 16 deep; take it out; a holiday is BEGIN:VEVENT in BEGIN:VCALENDAR
    line 1: BEGIN:VCALENDAR is never ended; the file is cut off; get it again
    line 1: BEGIN:VCALENDAR is never ended; the file is cut off; get it again
    line 1: "2026-99-99" is not a date; write year, month and day: 2026-12-25
    line 1: "9999-12-31" is not a date; write year, month and day: 2026-12-25
    "#);
    // What is within the bounds is read: 500 yearly events of one day, counted from 1900 on.
    let read = read(&file(&vec![yearly; 500])).unwrap();
    assert_eq!(read.days().count(), 41);
}
