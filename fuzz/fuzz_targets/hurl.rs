//! A Hurl file, which becomes a suite or is refused.
#![no_main]

use hurl_suite::Inputs;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(problems) = hurl_suite::suite("it.hurl", text, &Inputs::default()) {
        let _ = problems.to_string();
    }
});
