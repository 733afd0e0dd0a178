//! Each call of AWS of each step in turn: refused, throttled, cut off, hanging and late. CodePipeline is answered before the
//! deadline, nothing that was not seen to be deployed is said to be, and the step can be made again.

use futures::future::join_all;
use test_support::paced_time;
use tokio::time::Instant;

use super::*;

/// Of an invocation; that of `invoke`.
const LEFT: Duration = Duration::from_mins(1);
/// Longer than any function lives.
const FOREVER: Duration = Duration::from_mins(20);

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refused,
    Throttled,
    CutOff,
    Hangs,
    Late,
}

const FAULTS: [Fault; 5] = [
    Fault::Refused,
    Fault::Throttled,
    Fault::CutOff,
    Fault::Hangs,
    Fault::Late,
];

impl Fault {
    fn on(self, usual: &[Answer]) -> Vec<Answer> {
        let usual = usual.to_vec();
        match self {
            Self::Refused => vec![refused("InternalFailure")],
            Self::Throttled => vec![throttled()],
            Self::CutOff => usual.into_iter().map(Answer::cut_off).collect(),
            Self::Hangs => usual.into_iter().map(|it| it.after(FOREVER)).collect(),
            Self::Late => {
                let late = |it: Answer| it.after(Duration::from_millis(1_200));
                usual.into_iter().map(late).collect()
            }
        }
    }
}

type Answers = Vec<(&'static str, Vec<Answer>)>;

/// A step: its name, the token that leads to it, what AWS answers.
fn steps() -> [(&'static str, Option<String>, Answers); 4] {
    let updating =
        json!({"state": {"update": {"task_definition": DEFINITION}}, "began": unix_now()});
    let mut update = registering(FILES);
    update.extend(listed());
    // Not there before it was told to begin.
    let (_, listings) = update
        .iter_mut()
        .find(|(name, _)| *name == "ListServiceDeployments")
        .unwrap();
    listings.insert(0, ok(json!({"serviceDeployments": []})));
    let mut well = taken();
    well.push(described("SUCCESSFUL", json!({})));
    let mut back = taken();
    back.push(described("ROLLBACK_SUCCESSFUL", json!({})));
    [
        ("register", None, registering(FILES)),
        ("update", Some(updating.to_string()), update),
        ("follow to its end", Some(following()), well),
        ("follow a rollback", Some(following()), back),
    ]
}

/// What CodePipeline is told by the last answer that it was sent, in a word.
fn told(seen: &Seen) -> &'static str {
    let put = |(name, _): &(String, String)| name.starts_with("PutJob");
    let sent = seen.aws.calls().into_iter().rfind(put);
    let Some((operation, body)) = sent else {
        return "nothing";
    };
    let body: Value = serde_json::from_str(&body).unwrap();
    match (operation.as_str(), body["continuationToken"].is_string()) {
        ("PutJobSuccessResult", true) => "goes on",
        ("PutJobSuccessResult", false) => "deployed",
        _ => "failed",
    }
}

async fn met(step: usize, operation: String, fault: Fault) {
    let (name, token, usual) = &steps()[step];
    let mut answers = usual.clone();
    let (_, of_operation) = answers
        .iter_mut()
        .find(|(name, _)| *name == operation)
        .unwrap();
    *of_operation = fault.on(of_operation);
    let began = Instant::now();
    let seen = invoke(PARAMETERS, token.as_deref(), answers).await;
    let case = format!("{name}: {fault:?} at {operation}: {:?}", seen.result);
    assert!(began.elapsed() < LEFT, "{case} took {:?}", began.elapsed());
    let whole = invoke(PARAMETERS, token.as_deref(), usual.clone()).await;
    if operation.starts_with("PutJob") {
        // Nobody can be told; Lambda must hear it, so that it tries again.
        assert_eq!(seen.result.is_ok(), fault == Fault::Late, "{case}");
        assert_eq!(told(&seen), told(&whole), "{case}");
    } else {
        assert!(seen.result.is_ok(), "{case}");
        let answers = seen
            .called()
            .iter()
            .filter(|call| call.starts_with("PutJob"))
            .count();
        assert_eq!(answers, 1, "{case}");
        let heard = told(&seen);
        if fault == Fault::Late {
            assert_eq!(heard, told(&whole), "{case}");
        } else {
            assert_ne!(heard, "deployed", "{case}");
        }
        // Of an artifact that can't be read it is plain.
        let is_plain = ["GetObject", "DescribeServiceDeployments"].contains(&operation.as_str());
        if heard == "failed" && fault != Fault::Late && !is_plain {
            let message = seen.message();
            assert!(
                message.contains("nothing was deployed") || message.contains("may have begun"),
                "{case}: {message}"
            );
        }
    }
    assert!(seen.aws.bodies("UpdateService").len() <= 1, "{case}");
}

#[tokio::test(start_paused = true)]
async fn each_call_of_each_step_that_fails_is_answered_in_time_and_never_as_deployed() {
    let _time = paced_time::start();
    let mut cases = Vec::new();
    for (index, (_, token, usual)) in steps().into_iter().enumerate() {
        let whole = invoke(PARAMETERS, token.as_deref(), usual).await;
        let mut called = whole.called();
        called.sort();
        called.dedup();
        for operation in called {
            cases.extend(FAULTS.map(|fault| met(index, operation.clone(), fault)));
        }
    }
    // Side by side, as most of their time is waiting.
    let done = join_all(cases).await;
    assert!(done.len() >= 60, "{}", done.len());
}
