//! A suite, which anybody who may write a pull request can write, and the files beside it that it names.
#![no_main]

use gate::SuiteReader;

/// Stands between the suite and each file.
const NEXT_FILE: &str = "\n%%%\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut parts = text.split(NEXT_FILE);
    let suite = parts.next().unwrap_or_default();
    // Whatever it names, in turn.
    let read = SuiteReader::new("suites/suite.yaml", suite).finish(|path| {
        let file = parts.next().ok_or("no such file")?;
        assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
        Ok(file.as_bytes().to_vec())
    });
    match read {
        Ok(suite) => {
            let _ = suite.bake();
        }
        // What people read of it must not fail either.
        Err(problems) => {
            let _ = problems.to_string();
        }
    }
});
