//! What a person reads whose schedule is wrong: one of each kind.

use std::collections::BTreeMap;

use schedule::{Context, Schedule, Syntax};

fn problem_of(text: &str) -> String {
    told_as(Syntax::Windows, text)
}

fn told_as(syntax: Syntax, text: &str) -> String {
    match Schedule::parse_as(syntax, text, &Context::default()) {
        Ok(schedule) => panic!("{text:?} was read as {schedule:?}"),
        Err(error) => error.to_string(),
    }
}

/// Each text, and below it its problem.
fn told_of_each(syntax: Syntax, texts: &[&str]) -> String {
    let problem_of = |text: &&str| format!("{text}\n    {}", told_as(syntax, text));
    texts.iter().map(problem_of).collect::<Vec<_>>().join("\n")
}

#[test]
fn joined_parts_and_weekdays() {
    insta::assert_snapshot!(told_of_each(Syntax::Windows, &[
        "",
        "Mon-Fri 09:00-22:00 Europe/Berlin +",
        "+ Mon-Fri 09:00-22:00 Europe/Berlin",
        "always + + never",
        "always on",
        "Mno-Fri 09:00-22:00 Europe/Berlin",
        "Mon-Friday 09:00-22:00 Europe/Berlin",
        "Mon-Thurs 09:00-22:00 Europe/Berlin",
        "Mon-Xyz 09:00-22:00 Europe/Berlin",
        "Mon- 09:00-22:00 Europe/Berlin",
        "Mon–Fri 09:00-22:00 Europe/Berlin",
        "Mon,Wed 09:00-22:00 Europe/Berlin",
        "09:00-22:00 Europe/Berlin",
    ]), @r#"
        column 1: the schedule is empty; write a window such as Mon-Fri 09:00-22:00 Europe/Berlin, or always or never
    Mon-Fri 09:00-22:00 Europe/Berlin +
        column 35: nothing stands behind "+"; take the "+" out, or write a window behind it
    + Mon-Fri 09:00-22:00 Europe/Berlin
        column 1: nothing stands before "+"; take the "+" out, or write a window before it
    always + + never
        column 8: nothing stands behind "+"; take the "+" out, or write a window behind it
    always on
        column 8: "on" can't follow "always"; join parts by " + "
    Mno-Fri 09:00-22:00 Europe/Berlin
        column 1: unknown weekday "Mno"; did you mean Mon?
    Mon-Friday 09:00-22:00 Europe/Berlin
        column 5: unknown weekday "Friday"; did you mean Fri?
    Mon-Thurs 09:00-22:00 Europe/Berlin
        column 5: unknown weekday "Thurs"; did you mean Thu?
    Mon-Xyz 09:00-22:00 Europe/Berlin
        column 5: unknown weekday "Xyz"; write Mon, Tue, Wed, Thu, Fri, Sat or Sun
    Mon- 09:00-22:00 Europe/Berlin
        column 5: a weekday is missing; write Mon, Tue, Wed, Thu, Fri, Sat or Sun
    Mon–Fri 09:00-22:00 Europe/Berlin
        column 1: "Mon–Fri" has a long dash; write a plain one: "-"
    Mon,Wed 09:00-22:00 Europe/Berlin
        column 1: "Mon,Wed" is a list of weekdays; write one window for each, joined by " + ", or a range such as Mon-Fri
    09:00-22:00 Europe/Berlin
        column 1: the weekdays are missing; write them first: Mon-Sun 09:00-22:00
    "#);
}

#[test]
fn times() {
    insta::assert_snapshot!(told_of_each(Syntax::Windows, &[
        "Mon-Fri",
        "Mon-Fri Europe/Berlin",
        "Mon-Fri 9:00-22:00 Europe/Berlin",
        "Mon-Fri 09-22 Europe/Berlin",
        "Mon-Fri 09:00 - 22:00 Europe/Berlin",
        "Mon-Fri 09:00–22:00 Europe/Berlin",
        "Mon-Fri 09:00-25:00 Europe/Berlin",
        "Mon-Fri 09:00-24:01 Europe/Berlin",
        "Mon-Fri 09:60-22:00 Europe/Berlin",
        "Mon-Fri 24:00-06:00 Europe/Berlin",
        "Mon-Fri 09:00-09:00 Europe/Berlin",
        "Mon-Fri nine-five Europe/Berlin",
    ]), @r#"
    Mon-Fri
        column 8: the times are missing; write Mon-Fri 09:00-22:00
    Mon-Fri Europe/Berlin
        column 9: "Europe/Berlin" is not a time of day from one to another; write start and end without blanks: 09:00-22:00
    Mon-Fri 9:00-22:00 Europe/Berlin
        column 9: "9:00" is not a time of day; write 09:00
    Mon-Fri 09-22 Europe/Berlin
        column 9: "09" is not a time of day; write 09:00
    Mon-Fri 09:00 - 22:00 Europe/Berlin
        column 9: "09:00" is not a time of day from one to another; write start and end without blanks: 09:00-22:00
    Mon-Fri 09:00–22:00 Europe/Berlin
        column 9: "09:00–22:00" has a long dash; write a plain one: "-"
    Mon-Fri 09:00-25:00 Europe/Berlin
        column 15: "25:00" is not a time of day; write 00:00 to 23:59, or 24:00 as an end
    Mon-Fri 09:00-24:01 Europe/Berlin
        column 15: "24:01" is not a time of day; write 00:00 to 23:59, or 24:00 as an end
    Mon-Fri 09:60-22:00 Europe/Berlin
        column 9: "09:60" is not a time of day; write 00:00 to 23:59, or 24:00 as an end
    Mon-Fri 24:00-06:00 Europe/Berlin
        column 9: a window can't start at 24:00; write 00:00 and the weekdays that follow
    Mon-Fri 09:00-09:00 Europe/Berlin
        column 9: the window starts and ends at the same time; write 00:00-24:00 for a whole day
    Mon-Fri nine-five Europe/Berlin
        column 9: "nine" is not a time of day; write hours and minutes with two digits each, such as 09:00
    "#);
}

#[test]
fn zones_ranges_and_names() {
    insta::assert_snapshot!(told_of_each(Syntax::Windows, &[
        "Mon-Fri 09:00-22:00",
        "Mon-Fri 09:00-22:00 Europe/Belrin",
        "Mon-Fri 09:00-22:00 London",
        "Mon-Fri 09:00-22:00 America/New York",
        "Mon-Fri 09:00-22:00 Nowhere/At_All",
        "Mon-Fri 09:00-22:00 UTC+Sat",
        "Mon-Fri 09:00-22:00 UTC Sat 10:00-14:00 UTC",
        "2026-12-24T00:00:00+00:00",
        "2026-12-24-2026-12-27",
        "2026-12-24T00:00:00+00:00-2026-12-32T00:00:00+00:00",
        "2026-12-27T00:00:00+00:00-2026-12-24T00:00:00+00:00",
        "2026-12-24T00:00:00Z-2026-12-27T00:00:00",
        "office",
        "alwys",
        "Büro",
    ]), @r#"
    Mon-Fri 09:00-22:00
        column 20: no time zone is given; write one behind the times, such as Europe/Berlin
    Mon-Fri 09:00-22:00 Europe/Belrin
        column 21: unknown time zone "Europe/Belrin"; did you mean Europe/Berlin?
    Mon-Fri 09:00-22:00 London
        column 21: unknown time zone "London"; did you mean Europe/London?
    Mon-Fri 09:00-22:00 America/New York
        column 21: unknown time zone "America/New"; did you mean America/New_York?
    Mon-Fri 09:00-22:00 Nowhere/At_All
        column 21: unknown time zone "Nowhere/At_All"; write a name of the IANA database, such as Europe/Berlin
    Mon-Fri 09:00-22:00 UTC+Sat
        column 21: unknown time zone "UTC+Sat"; write a blank on either side of "+" to join windows
    Mon-Fri 09:00-22:00 UTC Sat 10:00-14:00 UTC
        column 25: "Sat" can't follow a window; join windows by " + "
    2026-12-24T00:00:00+00:00
        column 1: "2026-12-24T00:00:00+00:00" is not a range of two instants; write 2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00
    2026-12-24-2026-12-27
        column 1: "2026-12-24-2026-12-27" is not a range of two instants; write 2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00
    2026-12-24T00:00:00+00:00-2026-12-32T00:00:00+00:00
        column 27: "2026-12-32T00:00:00+00:00" is not an instant; write one with its offset: 2026-12-24T00:00:00+00:00
    2026-12-27T00:00:00+00:00-2026-12-24T00:00:00+00:00
        column 27: the range ends before it starts; write the earlier instant first
    2026-12-24T00:00:00Z-2026-12-27T00:00:00
        column 22: "2026-12-27T00:00:00" is not an instant; write one with its offset: 2026-12-24T00:00:00+00:00
    office
        column 1: unknown schedule "office"; write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin
    alwys
        column 1: unknown schedule "alwys"; did you mean always?
    Büro
        column 1: unknown schedule "Büro"; write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin
    "#);
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(problem_of("Mon-Fri 09:00-22:00 UTC + Sát 10:00-14:00 UTC"), @r#"column 27: unknown weekday "Sát"; did you mean Sat?"#);
    insta::assert_snapshot!(problem_of("   Mon-Fri  09:00-22:00   Europe/Pariss"), @r#"column 27: unknown time zone "Europe/Pariss"; did you mean Europe/Paris?"#);
    insta::assert_snapshot!(problem_of("ö"), @r#"column 1: unknown schedule "ö"; write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin"#);
}

#[test]
fn named_schedules() {
    let mut named: BTreeMap<String, String> = [
        ("office", "Mon-Fri 09:00-17:00 Europe/Berlin"),
        ("late", "office + Mon-Fri 17:00-22:00 Europe/Berln"),
        ("chicken", "always + egg"),
        ("egg", "office + chicken"),
        ("self", "self"),
        ("twice", "offcie"),
        ("a", "b + b + b + b + b + b + b + b"),
        ("b", "c + c + c + c + c + c + c + c"),
        ("c", "d + d + d + d + d + d + d + d"),
        ("d", "office"),
        ("d21", "always"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    named.extend((0..21).map(|depth| (format!("d{depth}"), format!("d{}", depth + 1))));
    let context = Context {
        named: Some(&named),
        ..Context::default()
    };
    let problem_of: Vec<String> = [
        "late",
        "office + chicken",
        "self",
        "twice",
        "ofice",
        "a",
        "d0",
    ]
    .iter()
    .map(|text| {
        let error = Schedule::parse_as(Syntax::Windows, text, &context).expect_err("an error");
        format!("{text}\n    {error}")
    })
    .collect();
    insta::assert_snapshot!(problem_of.join("\n"), @r#"
    late
        schedule "late", column 30: unknown time zone "Europe/Berln"; did you mean Europe/Berlin?
    office + chicken
        schedule "egg", column 10: the schedules name each other in a circle: chicken → egg → chicken; take one of the names out
    self
        schedule "self", column 1: the schedules name each other in a circle: self → self; take one of the names out
    twice
        schedule "twice", column 1: unknown schedule "offcie"; did you mean office?
    ofice
        column 1: unknown schedule "ofice"; did you mean office?
    a
        column 1: the schedule comes to more than 200 parts; write fewer windows, or name fewer schedules
    d0
        schedule "d19", column 1: the schedules name each other more than 20 deep; write the windows here
    "#);
}

#[test]
fn a_default_zone_that_is_none() {
    let error = Schedule::parse("Mon-Fri 09:00-22:00", Some("Europe/Berln")).expect_err("an error");
    insta::assert_snapshot!(error, @r#"column 20: the default time zone can't be used: unknown time zone "Europe/Berln"; did you mean Europe/Berlin?"#);
}

#[test]
fn custodian_values() {
    insta::assert_snapshot!(told_of_each(Syntax::Custodian, &[
        "off=();tz=et",
        "off=(m-f,90);on=(m-f,7);tz=et",
        "off=(m-f,a);on=(m-f,10);tz=est",
        "off=(m-f, 19)",
        "off=(1-2,12);on=(m-f,10);tz=est",
        "off=(x-f,10);on=(m-f,10);tz=est",
        "off=(m-t-f,12);on=(m-f,10);tz=est",
        "off=(Mon-Fri,19)",
        "off=(m-f);on=(m-f,10);tz=est",
        "off=[(m-f,19),s,10]",
        "off=",
        "off=(m-f,5);zebra=blue;on=(t-w,5)",
        "off=(m-f,5);zebrablue,on=(t-w,5)",
        "bar;off=(m-f,5);on=(t-w,5)",
        "off=(m-f,5);on=(t-w,5);zt=et",
        "off=(m-f,19); on=(m-f,7)",
        "off=(m-f,19) on=(m-f,7)",
        "tz=evt",
        "tz=Europe/Berln",
        "off=(m-f,20);on=(m-f,7);tz=abc",
        "tz=pt=et",
        "offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSidney",
        "off=F,(6;on=M-U,1",
        "on=(m-f,[(7)]);off=(m-f,19)",
        "off=(m-f,19),(s,(13)",
        "tz=",
        "off=(m-f,19);tz=",
        "on=(m-f,7);tz=pt;tz=",
        " off=(m-f,19);on=(m-f,7)",
    ]), @r#"
    off=();tz=et
        column 5: the days and the hour are missing; write days and an hour, such as (M-F,19)
    off=(m-f,90);on=(m-f,7);tz=et
        column 10: "90" is not an hour; write 0 to 23, without blanks
    off=(m-f,a);on=(m-f,10);tz=est
        column 10: "a" is not an hour; write 0 to 23, without blanks
    off=(m-f, 19)
        column 10: " 19" is not an hour; write 0 to 23, without blanks
    off=(1-2,12);on=(m-f,10);tz=est
        column 6: "1-2" is not a day nor a range of days; write M, T, W, H, F, S, U or a range such as M-F
    off=(x-f,10);on=(m-f,10);tz=est
        column 6: "x-f" is not a day nor a range of days; write M, T, W, H, F, S, U or a range such as M-F
    off=(m-t-f,12);on=(m-f,10);tz=est
        column 6: "m-t-f" is not a day nor a range of days; write M, T, W, H, F, S, U or a range such as M-F
    off=(Mon-Fri,19)
        column 6: "mon-fri" is not a day nor a range of days; write M, T, W, H, F, S, U or a range such as M-F
    off=(m-f);on=(m-f,10);tz=est
        column 6: "m-f" has no hour; write days and an hour, such as (M-F,19)
    off=[(m-f,19),s,10]
        column 15: "s" follows a pair without a parenthesis; put each pair in parentheses: [(M-F,19),(S,13)]
    off=
        column 5: the days and the hour are missing; write days and an hour, such as (M-F,19)
    off=(m-f,5);zebra=blue;on=(t-w,5)
        column 13: unknown key "zebra"; write on, off or tz
    off=(m-f,5);zebrablue,on=(t-w,5)
        column 13: unknown key "zebrablue,on"; write on, off or tz
    bar;off=(m-f,5);on=(t-w,5)
        column 1: "bar" is not of the form key=value; write off=…;on=…;tz=…
    off=(m-f,5);on=(t-w,5);zt=et
        column 24: unknown key "zt"; did you mean tz?
    off=(m-f,19); on=(m-f,7)
        column 14: a blank stands beside the key; Cloud Custodian doesn't read the key then; write ;on=
    off=(m-f,19) on=(m-f,7)
        column 1: "off=(m-f,19) on=(m-f,7)" is not of the form key=value; write off=…;on=…;tz=…
    tz=evt
        column 4: unknown time zone "evt"; write et, ct, mt, pt, gmt, bst or a name of the IANA database
    tz=Europe/Berln
        column 4: unknown time zone "europe/berln"; did you mean Europe/Berlin?
    off=(m-f,20);on=(m-f,7);tz=abc
        column 28: unknown time zone "abc"; write et, ct, mt, pt, gmt, bst or a name of the IANA database
    tz=pt=et
        column 1: "tz=pt=et" has more than one "="; put ";" between the keys
    offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSidney
        column 29: unknown time zone "australia/sidney"; did you mean Australia/Sydney?
    off=F,(6;on=M-U,1
        column 7: a parenthesis opens before the hour "6"; write days and hour in one pair: (M-F,19)
    on=(m-f,[(7)]);off=(m-f,19)
        column 10: a parenthesis opens before the hour "7)])"; write days and hour in one pair: (M-F,19)
    off=(m-f,19),(s,(13)
        column 17: a parenthesis opens before the hour "13)"; write days and hour in one pair: (M-F,19)
    tz=
        column 4: the time zone is empty, which Cloud Custodian takes for that of the machine it runs on; write a zone such as tz=et, or leave tz= out
    off=(m-f,19);tz=
        column 17: the time zone is empty, which Cloud Custodian takes for that of the machine it runs on; write a zone such as tz=et, or leave tz= out
    on=(m-f,7);tz=pt;tz=
        column 21: the time zone is empty, which Cloud Custodian takes for that of the machine it runs on; write a zone such as tz=et, or leave tz= out
     off=(m-f,19);on=(m-f,7)
        column 1: a blank stands beside the key; Cloud Custodian doesn't read the key then; write ;off=
    "#);
}

#[test]
fn kube_downscaler_uptimes() {
    insta::assert_snapshot!(told_of_each(Syntax::KubeDownscaler, &[
        "",
        "Mon-Fri 07:30-20:30 Europe/Berlin,",
        "Mon-Fri 07:30-20:30",
        "Mon-Fri 7:30-20:30 Europe/Berlin",
        "Sat 10:00-14:00 CET",
        "Mon-Fri 07:30-20:30 PST",
        "always,Mon-Fri 07:30-20:30 Europe/Berlin",
        "Mon-Fri 07:30-20:30 Europe/Berlin + Sat-Sun 10:00-14:00 CET",
        "weekdays",
        "2019-01-01T00:00:00+00:00",
        "08:00-20:00 Europe/Paris",
        "08:00-20:00",
        "Mon-Fri Europe/Paris",
        "Mon-Fri",
        "Mon-Fri 20:00-08:00 Europe/Berlin",
        "Mon-Tue 20:00-00:00 Europe/Amsterdam",
        "true",
        "Mon-Fri 08:00-20:00 UTC,false",
    ]), @r#"
        column 1: a time specification is missing; write Mon-Fri 07:30-20:30 Europe/Berlin
    Mon-Fri 07:30-20:30 Europe/Berlin,
        column 35: a time specification is missing; write Mon-Fri 07:30-20:30 Europe/Berlin
    Mon-Fri 07:30-20:30
        column 20: no time zone is given; write one behind the times, such as Europe/Berlin
    Mon-Fri 7:30-20:30 Europe/Berlin
        column 9: "7:30" is not a time of day; write 07:30
    Sat 10:00-14:00 CET
        column 1: "Sat" is a single weekday; kube-downscaler needs a range: Sat-Sat
    Mon-Fri 07:30-20:30 PST
        column 21: unknown time zone "PST"; write a name of the IANA database, such as Europe/Berlin
    always,Mon-Fri 07:30-20:30 Europe/Berlin
        column 1: "always" can't be joined with others; write it alone, or take it out
    Mon-Fri 07:30-20:30 Europe/Berlin + Sat-Sun 10:00-14:00 CET
        column 1: "Mon-Fri 07:30-20:30 Europe/Berlin + Sat-Sun 10:00-14:00 CET" is not a time specification; write Mon-Fri 07:30-20:30 Europe/Berlin
    weekdays
        column 1: "weekdays" is not a time specification; write Mon-Fri 07:30-20:30 Europe/Berlin
    2019-01-01T00:00:00+00:00
        column 1: "2019-01-01T00:00:00+00:00" is not a range of two instants; write 2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00
    08:00-20:00 Europe/Paris
        column 1: the weekdays are missing; write them first: Mon-Sun 08:00-20:00 Europe/Paris
    08:00-20:00
        column 1: the weekdays are missing; write them first: Mon-Sun 08:00-20:00
    Mon-Fri Europe/Paris
        column 9: the times are missing; write Mon-Fri 07:30-20:30 Europe/Paris
    Mon-Fri
        column 8: the times are missing; write Mon-Fri 07:30-20:30 Europe/Berlin
    Mon-Fri 20:00-08:00 Europe/Berlin
        column 9: "Mon-Fri 20:00-08:00 Europe/Berlin" ends before it starts: GoKubeDownscaler is on from 00:00 to 08:00 and from 20:00 to 24:00 of each of these days, and kube-downscaler in Python is never on; write Mon-Fri 00:00-08:00 Europe/Berlin,Mon-Fri 20:00-24:00 Europe/Berlin for the first and never for the second, or name the grammar go-kube-downscaler or py-kube-downscaler
    Mon-Tue 20:00-00:00 Europe/Amsterdam
        column 9: "Mon-Tue 20:00-00:00 Europe/Amsterdam" ends before it starts: GoKubeDownscaler is on from 20:00 to 24:00 of each of these days, and kube-downscaler in Python is never on; write Mon-Tue 20:00-24:00 Europe/Amsterdam for the first and never for the second, or name the grammar go-kube-downscaler or py-kube-downscaler
    true
        column 1: only GoKubeDownscaler knows "true"; write always or never, or name the grammar go-kube-downscaler
    Mon-Fri 08:00-20:00 UTC,false
        column 25: only GoKubeDownscaler knows "false"; write always or never, or name the grammar go-kube-downscaler
    "#);
}

#[test]
fn an_unknown_syntax() {
    let error = "cron".parse::<Syntax>().expect_err("an error");
    insta::assert_snapshot!(error, @r#"unknown syntax "cron"; write windows, custodian, kube-downscaler, py-kube-downscaler or go-kube-downscaler"#);
    for syntax in Syntax::ALL {
        assert_eq!(syntax.to_string().parse(), Ok(syntax));
    }
}
