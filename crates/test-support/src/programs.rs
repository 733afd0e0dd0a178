//! Programs of this workspace that tests start.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The sample shop of `examples/shop`. `cargo test --workspace` builds it beside the tests; for the
/// tests of one package alone it is built here.
pub fn sample_shop() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    // `target/debug/deps/name-of-the-test`
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).expect("tests are in deps");
    let program = folder.join("sample-shop");
    if !program.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--package", "sample-shop"]);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success(), "the sample shop is not built");
    }
    program
}
