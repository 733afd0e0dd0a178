//! A calendar of holidays, which somebody else publishes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = schedule::Calendar::from_bytes(bytes, 2026..=2028);
});
