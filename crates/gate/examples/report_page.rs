//! The page of a report that is read as JSON from standard input: what the tests take pictures of.

#![allow(clippy::print_stdout, reason = "the page goes to standard output")]

use std::io::{Error, stdin};

use gate::report::{Report, html};

fn main() -> Result<(), Error> {
    let report: Report = serde_json::from_reader(stdin())?;
    println!("{}", html(&report));
    Ok(())
}
