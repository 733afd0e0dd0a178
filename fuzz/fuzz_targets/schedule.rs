//! A schedule in a tag, in any of the grammars.
#![no_main]

use schedule::Schedule;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(schedule) = Schedule::parse(text, Some("Europe/Berlin")) {
        let at = "2026-11-23T12:00:00Z".parse().expect("an instant");
        let _ = (schedule.is_on(at), schedule.next_on(at));
    }
});
