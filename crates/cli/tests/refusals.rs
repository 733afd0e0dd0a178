//! Every command of the help, called wrongly: each says what is wrong, on standard error, with the exit code that its help
//! names. A new command is found by itself.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::process::{Command, Output};

use insta::assert_snapshot;

fn run(args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    // Nothing here may reach AWS.
    for name in [
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
    ] {
        program.env_remove(name);
    }
    program.env("AWS_EC2_METADATA_DISABLED", "true");
    program.args(args).output().unwrap()
}

fn help(words: &[&str]) -> String {
    let output = run(&[words, &["--help"]].concat());
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that do something, by the help.
fn commands(words: &[String], found: &mut Vec<Vec<String>>) {
    let own: Vec<&str> = words.iter().map(String::as_str).collect();
    let help = help(&own);
    let Some((_, listed)) = help.split_once("Commands:\n") else {
        found.push(words.to_vec());
        return;
    };
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // What is said of a command goes on further to the right.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for name in names.filter(|name| !name.is_empty() && *name != "help") {
        commands(&[words, &[name.to_owned()]].concat(), found);
    }
}

/// The exit code, and the first line of what is wrong.
fn told(output: &Output) -> String {
    assert!(output.stdout.is_empty(), "{output:?}");
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    let mut lines = error.lines().take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let named: Vec<&str> = lines.map(str::trim).collect();
    format!(
        "{} {first} {}",
        output.status.code().unwrap(),
        named.join(" ")
    )
}

#[test]
fn every_command_refuses_what_it_does_not_know_and_what_is_missing() {
    let mut all = Vec::new();
    commands(&[], &mut all);
    assert!(all.len() > 25, "{all:?}");
    let mut table = String::new();
    for words in &all {
        let own: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = help(&own);
        let name = words.join(" ");
        let unknown = told(&run(&[&own[..], &["--no-such-option"]].concat()));
        assert!(
            unknown.contains("unexpected argument '--no-such-option'"),
            "{name}: {unknown}"
        );
        let code = &unknown[..1];
        // The code for a wrong call is one that the help names.
        let codes = help
            .split_once("Exit codes:")
            .map(|(_, codes)| codes.to_owned());
        if let Some(codes) = codes {
            assert!(
                codes.contains(&format!(" {code} ")),
                "{name}: {code} is not among{codes}"
            );
        }
        let usage = help
            .lines()
            .find_map(|line| line.strip_prefix("Usage: "))
            .unwrap();
        let needs = usage.contains(" <") || usage.contains(" --");
        let missing = if needs {
            told(&run(&own))
        } else {
            "needs nothing".to_owned()
        };
        writeln!(table, "{name} ({code}): {missing}").unwrap();
    }
    assert_snapshot!(table, @r#"
    init (2): 2 error: the following required arguments were not provided: <--url <URL>|--from <FILE>>
    check (3): 3 error: the following required arguments were not provided: <--url <URL>|--deployment <ID>|--service <CLUSTER/SERVICE>> <SUITE>
    agent record (3): 3 error: the following required arguments were not provided: <--url <URL>|--deployment <ID>|--service <CLUSTER/SERVICE>> <SUITE>
    agent replay (3): 3 error: the following required arguments were not provided: <--url <URL>|--deployment <ID>|--service <CLUSTER/SERVICE>> <SUITE>
    agent show (3): 3 error: the following required arguments were not provided: <RECORDING>
    agent approve (3): 3 error: the following required arguments were not provided: <RECORDING> <SUITE>
    validate (3): 3 error: the following required arguments were not provided: <SUITES>...
    explain (3): 3 error: the following required arguments were not provided: <SUITE>
    judge (3): 3 error: the following required arguments were not provided: <SUITE> <PLACES>...
    replay (3): 3 error: the following required arguments were not provided: <EVENT>
    migrate (3): 3 error: the following required arguments were not provided: <APPSPEC>
    wiring (3): needs nothing
    doctor (3): needs nothing
    install (2): needs nothing
    uninstall (2): needs nothing
    approvals lint (2): 2 error: the following required arguments were not provided: <FILE>
    approvals preview (2): 2 error: the following required arguments were not provided: --config <CONFIG> <MESSAGE>
    approvals send-test (2): 2 error: the following required arguments were not provided: --config <CONFIG>
    approvals audit (2): 2 error: the following required arguments were not provided: --table <TABLE> <--case <CASE>|--pipeline <PIPELINE>>
    approvals texts (2): needs nothing
    gates list (2): 2 error: the following required arguments were not provided: <PLACES>...
    gates stats (2): 2 error: the following required arguments were not provided: <PLACES>...
    gates page (2): 2 error: the following required arguments were not provided: --out <FOLDER> <PLACES>...
    gates override (2): 2 error: the following required arguments were not provided: --table <TABLE> --reason <REASON> <REPORT>
    gates overrides (2): 2 error: the following required arguments were not provided: --table <TABLE> <REPORT>
    env lint (2): 2 error: the following required arguments were not provided: <FILES>...
    env at (2): needs nothing
    env plan (2): needs nothing
    env status (2): needs nothing
    env explain (2): 2 error: the following required arguments were not provided: <SERVICE>
    env down (2): needs nothing
    env up (2): needs nothing
    env snooze (2): 2 error: the following required arguments were not provided: <PATTERN>...
    ecs deploy (3): 3 error: the following required arguments were not provided: --cluster <CLUSTER> --service <SERVICE> --task-definition <FILE>
    ecs follow (3): 3 error: the following required arguments were not provided: --deployment <ARN>
    completions (2): 2 error: the following required arguments were not provided: <SHELL>
    man (2): 2 error: the following required arguments were not provided: <FOLDER>
    "#);
}

#[test]
fn the_program_itself_says_what_there_is() {
    let unknown = run(&["chekc"]);
    assert_snapshot!(told(&unknown), @"2 error: unrecognized subcommand 'chekc'");
    let nothing = run(&[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        String::from_utf8(nothing.stderr)
            .unwrap()
            .contains("Commands:")
    );
    for argument in ["--help", "--version"] {
        let told = run(&[argument]);
        assert!(told.status.success() && !told.stdout.is_empty() && told.stderr.is_empty());
    }
}
