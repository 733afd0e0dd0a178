//! Results in the form of `JUnit`, as test runners of all languages write it: `testsuite`s of `testcase`s.
//!
//! There is no standard, only a common core. Tests are counted by their entries; where a suite states more failures than
//! it lists, the statement counts. What is not well-formed, or no such file, is an error and never a result. Entities are
//! not expanded and document types refused, so that a small file stays small.

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::{FailedTest, MAX_FAILURES, Tally};
use crate::words::{self, MAX_RAW_BYTES};

/// Elements within each other.
const MAX_DEPTH: usize = 64;
/// Of one element: each is compared with all before it.
const MAX_ATTRIBUTES: usize = 200;

/// Counts the tests of a file.
pub(super) fn read(text: &str) -> Result<Tally, String> {
    let mut xml = Reader::from_str(text);
    let mut reading = Reading::default();
    loop {
        let event = xml.read_event();
        let read = match event {
            Ok(Event::Eof) => break,
            Ok(event) => reading.take(event),
            Err(error) => Err(error.to_string()),
        };
        read.map_err(|why| {
            let position = usize::try_from(xml.buffer_position()).unwrap_or(usize::MAX);
            let before = words::head(text, position);
            format!("line {}: {why}", before.matches('\n').count() + 1)
        })?;
    }
    match (reading.open.len(), reading.has_root) {
        (0, true) => Ok(reading.tally),
        (0, false) => Err("it is empty".to_owned()),
        (open, _) => Err(format!(
            "it breaks off: {} not closed",
            match open {
                1 => "1 element is".to_owned(),
                many => format!("{many} elements are"),
            }
        )),
    }
}

#[derive(Default)]
struct Reading {
    tally: Tally,
    open: Vec<Element>,
    has_root: bool,
    case: Case,
}

/// An element that is open.
enum Element {
    Suite {
        name: String,
        /// Failures that were counted before it.
        before: u64,
        /// Failures that it says it has.
        stated: u64,
    },
    Case,
    /// Says why the test case that it stands in failed.
    Failure,
    Other,
}

/// The test case that is read.
#[derive(Default)]
struct Case {
    name: String,
    failed: bool,
    skipped: bool,
    message: String,
}

impl Reading {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => self.begin(&element),
            Event::Empty(element) => {
                self.begin(&element)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content().map_err(|e| e.to_string())?),
            Event::CData(text) => self.text(&text.xml10_content().map_err(|e| e.to_string())?),
            Event::GeneralRef(reference) => {
                let character = character(&reference)?;
                self.text(character.encode_utf8(&mut [0; 4]))
            }
            Event::DocType(_) => Err("a document type is not read here; leave it out".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!(
                "elements stand in each other more than {MAX_DEPTH} levels deep"
            ));
        }
        let attributes = attributes(element)?;
        let attribute = |name: &str| {
            let mut all = attributes.iter();
            all.find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let local = element.local_name();
        let opened = match (self.open.last(), local.as_ref()) {
            (None, _) if self.has_root => return Err("something stands behind its end".to_owned()),
            (None | Some(Element::Suite { .. }), b"testsuites" | b"testsuite") => {
                self.has_root = true;
                let stated = |name| count(name, attribute(name));
                Element::Suite {
                    name: attribute("name").unwrap_or_default().to_owned(),
                    before: self.tally.failed,
                    stated: stated("failures")?.saturating_add(stated("errors")?),
                }
            }
            (None, other) => {
                let other = String::from_utf8_lossy(other);
                let other = words::head(&other, 100);
                return Err(format!(
                    "it begins with <{other}>, not with <testsuites> or <testsuite>"
                ));
            }
            (Some(Element::Suite { .. }), b"testcase") => {
                self.case = Case::new(attribute);
                Element::Case
            }
            (_, b"testcase") => return Err("a <testcase> stands in no <testsuite>".to_owned()),
            (Some(Element::Case), b"failure" | b"error") => {
                self.case.failed = true;
                let message = attribute("message").unwrap_or_default();
                if self.case.message.is_empty() && !message.trim().is_empty() {
                    words::head(message, MAX_RAW_BYTES).clone_into(&mut self.case.message);
                    Element::Other
                } else if self.case.message.is_empty() {
                    Element::Failure
                } else {
                    Element::Other
                }
            }
            (Some(Element::Case), b"skipped") => {
                self.case.skipped = true;
                Element::Other
            }
            // A suite that could not be begun: some runners say so without a test case.
            (Some(Element::Suite { name, .. }), b"failure" | b"error") => {
                let test = FailedTest {
                    name: name.clone(),
                    message: words::head(attribute("message").unwrap_or_default(), MAX_RAW_BYTES)
                        .to_owned(),
                };
                self.tally.fail(test);
                Element::Other
            }
            _ => Element::Other,
        };
        self.open.push(opened);
        Ok(())
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Element::Case) => {
                let case = std::mem::take(&mut self.case);
                self.tally.tests += 1;
                if case.failed {
                    let message = case.message.trim().to_owned();
                    self.tally.fail(FailedTest {
                        name: case.name,
                        message,
                    });
                } else if case.skipped {
                    self.tally.skipped += 1;
                }
            }
            Some(Element::Suite {
                name,
                before,
                stated,
            }) => {
                let listed = self.tally.failed - before;
                if stated > listed {
                    let message = format!(
                        "it states {}, and lists {listed}",
                        words::count(usize::try_from(stated).unwrap_or(usize::MAX), "failure")
                    );
                    self.tally.failed += stated - listed - 1;
                    self.tally.fail(FailedTest { name, message });
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        if self.open.is_empty() && !text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err("text stands outside of its elements".to_owned());
        }
        if let Some(Element::Failure) = self.open.last() {
            let room = MAX_RAW_BYTES.saturating_sub(self.case.message.len());
            self.case.message.push_str(words::head(text, room));
        }
        Ok(())
    }
}

impl Case {
    fn new<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Self {
        let parts = ["classname", "name"].into_iter().filter_map(&attribute);
        let parts: Vec<&str> = parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let name = match parts.as_slice() {
            [] => "without a name".to_owned(),
            parts => parts.join(" › "),
        };
        // By an attribute alone: disabled tests of GoogleTest and CTest.
        let status = attribute("status").unwrap_or_default().to_ascii_lowercase();
        Self {
            name: words::head(&name, MAX_RAW_BYTES).to_owned(),
            failed: matches!(status.as_str(), "failed" | "failure" | "fail" | "error"),
            skipped: matches!(
                status.as_str(),
                "notrun" | "skipped" | "disabled" | "pending"
            ),
            message: String::new(),
        }
    }
}

/// Names without their prefixes, and values.
fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for attribute in element.attributes() {
        let attribute: Attribute<'_> = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| error.to_string())?;
        if all.len() == MAX_ATTRIBUTES {
            return Err(format!(
                "an element has more than {MAX_ATTRIBUTES} attributes"
            ));
        }
        let name = attribute.key.local_name();
        let name = String::from_utf8_lossy(name.as_ref()).into_owned();
        all.push((name, value.into_owned()));
    }
    Ok(all)
}

/// `failures="2"`; what is not there is none.
fn count(name: &str, written: Option<&str>) -> Result<u64, String> {
    let written = written.unwrap_or_default().trim();
    if written.is_empty() {
        return Ok(0);
    }
    written.parse().map_err(|_| {
        format!(
            "{name}={} is not a number of tests",
            words::quote(words::head(written, 100))
        )
    })
}

/// `&lt;` or `&#10;`
fn character(reference: &BytesRef<'_>) -> Result<char, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|e| e.to_string())? {
        return Ok(character);
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    match &*name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        other => Err(format!(
            "the entity &{}; is not known",
            words::head(other, 100)
        )),
    }
}

impl Tally {
    fn fail(&mut self, test: FailedTest) {
        self.failed += 1;
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(test);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> (u64, u64, u64) {
        let tally = read(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        (tally.tests, tally.failed, tally.skipped)
    }

    fn failures(text: &str) -> Vec<String> {
        let tally = read(text).unwrap();
        let shown = tally
            .failures
            .iter()
            .map(|test| format!("{}: {}", test.name, test.message));
        shown.collect()
    }

    #[test]
    fn tests_are_counted_by_their_entries() {
        // As Playwright writes it.
        let playwright = r#"<testsuites id="" name="" tests="3" failures="1" skipped="1" errors="0" time="4.1">
<testsuite name="checkout.spec.ts" hostname="chromium" tests="3" failures="1" skipped="1" time="3.9" errors="0">
<testcase name="checkout › pays" classname="checkout.spec.ts" time="2.1">
<failure message="checkout.spec.ts:12:7 pays" type="FAILURE"><![CDATA[  Expected: 200 ]]></failure>
<system-out><![CDATA[<testcase name="not one"/>]]></system-out>
</testcase>
<testcase name="a&amp;b" classname="checkout.spec.ts" time="0"><skipped></skipped></testcase>
<testcase name="opens" classname="checkout.spec.ts" time="1"/>
</testsuite>
</testsuites>"#;
        assert_eq!(counted(playwright), (3, 1, 1));
        assert_eq!(
            failures(playwright),
            ["checkout.spec.ts › checkout › pays: checkout.spec.ts:12:7 pays"]
        );
        // As pytest writes it: a failure in its text, and an error in collecting.
        let pytest = "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite name=\"pytest\" errors=\"1\" failures=\"1\" skipped=\"0\" tests=\"2\">\
            <testcase classname=\"tests.test_shop\" name=\"test_a\"><failure>assert 1 &lt; 0\n&#65;</failure></testcase>\
            <testcase classname=\"\" name=\"tests.test_b\"><error message=\"collection failure\">x</error></testcase></testsuite></testsuites>";
        assert_eq!(counted(pytest), (2, 2, 0));
        assert_eq!(
            failures(pytest),
            [
                "tests.test_shop › test_a: assert 1 < 0\nA",
                "tests.test_b: collection failure"
            ]
        );
        // A suite as the root, suites in suites, a namespace, a status for an element.
        let nested = "<j:testsuite xmlns:j='urn:j'><j:testsuite><j:testcase name='a'/></j:testsuite>\
            <testcase name='b' status='notrun'/><testcase name='c' status='Failed'/></j:testsuite>";
        assert_eq!(counted(nested), (3, 1, 1));
    }

    #[test]
    fn a_test_that_failed_at_first_and_passed_then_has_passed() {
        let flaky = "<testsuite tests='1' failures='0'><testcase name='a'><flakyFailure message='x'/></testcase></testsuite>";
        assert_eq!(counted(flaky), (1, 0, 0));
        let failed = "<testsuite tests='1' failures='1'><testcase name='a'><failure message='x'/><rerunFailure message='y'/></testcase></testsuite>";
        assert_eq!(counted(failed), (1, 1, 0));
    }

    #[test]
    fn failures_without_a_test_case_count() {
        // A request that Newman could not send, and a suite that could not be begun.
        let stated = "<testsuites><testsuite name='GET /cart' tests='2' failures='1' errors='2'><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite></testsuites>";
        assert_eq!(counted(stated), (2, 3, 0));
        assert_eq!(
            failures(stated),
            ["b: ", "GET /cart: it states 3 failures, and lists 1"]
        );
        let begun = "<testsuite name='set-up'><error message='no browser'/><testcase name='a'/></testsuite>";
        assert_eq!(counted(begun), (1, 1, 0));
        // What an inner suite states counts once, though the outer one states it, too.
        let twice = "<testsuites failures='1'><testsuite failures='1'><testcase name='a'><failure/></testcase></testsuite></testsuites>";
        assert_eq!(counted(twice), (1, 1, 0));
        let huge = format!("<testsuite failures='{0}' errors='{0}'/>", u64::MAX);
        assert_eq!(counted(&huge), (0, u64::MAX, 0));
    }

    #[test]
    fn what_is_broken_is_no_result() {
        let why = |text: &str| read(text).map(|_| ()).unwrap_err();
        insta::assert_snapshot!(why(""), @"it is empty");
        insta::assert_snapshot!(why("<testsuites><testsuite>\n<testcase name='a'/>"), @"it breaks off: 2 elements are not closed");
        insta::assert_snapshot!(why("<html/>"), @"line 1: it begins with <html>, not with <testsuites> or <testsuite>");
        insta::assert_snapshot!(why("<testsuite/><testsuite/>"), @"line 1: something stands behind its end");
        insta::assert_snapshot!(why("done\n<testsuite/>"), @"line 2: text stands outside of its elements");
        insta::assert_snapshot!(why("<!DOCTYPE a [<!ENTITY x \"y\">]><testsuite/>"), @"line 1: a document type is not read here; leave it out");
        insta::assert_snapshot!(why("<testsuite>\n&x;</testsuite>"), @"line 2: the entity &x; is not known");
        insta::assert_snapshot!(why("<testsuite><testcase><testcase/></testcase></testsuite>"), @"line 1: a <testcase> stands in no <testsuite>");
        insta::assert_snapshot!(why("<testsuite failures='some'/>"), @r#"line 1: failures="some" is not a number of tests"#);
        for broken in [
            "<testsuite",
            "<testsuite></testcase>",
            "<testsuite name='a' name='b'/>",
            "<testsuite name='&x;'/>",
            "<testsuite name=a/>",
            "<testsuite>a & b</testsuite>",
            "{}",
        ] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    #[allow(clippy::format_collect, reason = "short in a test")]
    fn depth_and_what_is_kept_are_bounded() {
        let deep = "<testsuite>".repeat(100_000);
        assert!(read(&deep).unwrap_err().contains("more than 64 levels"));
        let wide: String = (0..300_000).map(|n| format!(" a{n}=''")).collect();
        let wide = read(&format!("<testsuite{wide}/>"));
        assert!(wide.unwrap_err().contains("more than 200 attributes"));
        let long = "x".repeat(20_000);
        let one = format!(
            "<testcase name='{long}'><failure message='{long}'/></testcase><testcase name='b'><failure>{long}<a>c</a>{long}</failure></testcase>"
        );
        let many = format!("<testsuite>{}</testsuite>", one.repeat(50));
        let tally = read(&many).unwrap();
        assert_eq!(
            (tally.tests, tally.failed, tally.failures.len()),
            (100, 100, MAX_FAILURES)
        );
        for test in &tally.failures {
            assert!(test.name.len() <= MAX_RAW_BYTES && test.message.len() <= MAX_RAW_BYTES);
        }
    }
}
