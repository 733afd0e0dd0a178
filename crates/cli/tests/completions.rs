//! What shells are given to complete commands.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn completions(shell: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.args(["completions", shell]).output().unwrap()
}

fn script(shell: &str) -> String {
    let output = completions(shell);
    assert!(output.status.success(), "{shell}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes_commands_and_options() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("deploy-hooks.bash");
    std::fs::write(&file, script("bash")).unwrap();
    let completed = |words: &str, last: usize| {
        let asked = format!(
            "source {}; made=$(complete -p deploy-hooks); made=${{made#*-F }}; COMP_WORDS=({words}); COMP_CWORD={last}; \
             ${{made%% *}} deploy-hooks \"${{COMP_WORDS[{last}]}}\" \"\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let output = Command::new("bash").args(["-c", &asked]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("deploy-hooks va", 1), "validate\n");
    assert_eq!(completed("deploy-hooks check --sk", 2), "--skip\n");
    assert_eq!(completed("deploy-hooks env pl", 2), "plan\n");
}

#[test]
fn other_shells_have_scripts_of_their_own() {
    assert!(script("zsh").starts_with("#compdef deploy-hooks"));
    assert!(script("fish").contains("complete -c deploy-hooks"));
    assert_eq!(completions("csh").status.code(), Some(2));
}
