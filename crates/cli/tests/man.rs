//! Manual pages, as `man` reads them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn write(folder: &PathBuf) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.arg("man").arg(folder).output().unwrap()
}

#[test]
fn each_command_has_a_page_with_its_examples_and_exit_codes() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("man");
    let _ = std::fs::remove_dir_all(&folder);
    let output = write(&folder);
    assert!(output.status.success());
    let pages = std::fs::read_dir(&folder).unwrap().count();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with(&format!("{pages} pages in ")), "{told}");
    for name in [
        "deploy-hooks",
        "deploy-hooks-env-plan",
        "deploy-hooks-explain",
    ] {
        assert!(folder.join(format!("{name}.1")).exists(), "{name}");
    }
    let check = std::fs::read_to_string(folder.join("deploy-hooks-check.1")).unwrap();
    assert!(check.starts_with(".ie"), "{check}");
    for words in ["Exit codes: 0 passed", "\\-\\-watch", "Examples:"] {
        assert!(check.contains(words), "{words}");
    }
}

#[test]
fn a_folder_that_can_not_be_made_is_told() {
    let output = write(&PathBuf::from("/proc/no/such/folder"));
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("/proc/no/such/folder: "), "{told}");
}
