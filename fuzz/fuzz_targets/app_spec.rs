//! An AppSpec, which a gate reads from a deployment.
#![no_main]

use hook::AppSpec;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = AppSpec::parse(text) {
        let _ = error.to_string();
    }
});
