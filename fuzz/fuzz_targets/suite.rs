//! A suite, which anybody who may write a pull request can write.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    match gate::Suite::parse("suite.yaml", text) {
        Ok(suite) => {
            let _ = suite.bake();
        }
        // What people read of it must not fail either.
        Err(problems) => {
            let _ = problems.to_string();
        }
    }
});
