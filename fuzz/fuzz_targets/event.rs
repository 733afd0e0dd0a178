//! An event that Lambda hands to a gate.
#![no_main]

use hook::event::Payload;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(payload) = serde_json::from_str::<Payload>(text) {
        let _ = payload.decode();
    }
});
