//! The configuration of approvals.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(problems) = approvals::config::Config::parse("approvals.yaml", text) {
        let _ = problems.to_string();
    }
});
