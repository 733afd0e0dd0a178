//! A message that anybody with `sns:Publish` can send to the notifier.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(event) = serde_json::from_str::<serde_json::Value>(text) {
        let _ = approvals::message::incoming(&event);
    }
});
