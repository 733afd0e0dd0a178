//! The configuration of environments.
#![no_main]

use environments::config::{Config, Files};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(problems) = Config::parse("environments.yaml", text, &Files::default()) {
        let _ = problems.to_string();
    }
});
