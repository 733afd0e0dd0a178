//! A text of a suite with places to be filled, wherever one may stand.
#![no_main]

use gate::{Stage, Suite};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let text = serde_json::to_string(text).expect("a text");
    let suite = format!(
        "version: 1\nname: fuzz\nvars: {{ a: 1, b: two }}\nsecrets: {{ s: \"env:S\" }}\nchecks:\n  - name: it\n    http: {{ \
         method: POST, url: {text}, headers: {{ x: {text} }}, json: {{ y: {text} }} }}\n    expect: [{{ body: {{ contains: \
         {text} }} }}, {{ json: {{ path: $.a, equals: {text} }} }}]\n"
    );
    match Suite::parse("suite.yaml", &suite) {
        Ok(suite) => {
            let _ = (suite.plan_at(Stage::PreTraffic), suite.foreseen());
        }
        Err(problems) => {
            let _ = problems.to_string();
        }
    }
});
