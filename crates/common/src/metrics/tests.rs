use std::collections::BTreeSet;

use super::*;

const SUBJECT: &str = "the shop of Dana, token=0123456789abcdef";

fn at() -> Timestamp {
    "2026-11-24T09:00:07Z".parse().unwrap()
}

fn place() -> Place {
    Place {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
    }
}

/// One of each, with `word` as every value that a caller gives.
fn each<'a>(word: &'a str, place: &'a Place) -> Vec<MetricRecord<'a>> {
    vec![
        MetricRecord::Verdict {
            stage: word,
            verdict: word,
            reason: Reason::NotBegun,
        },
        MetricRecord::GateRun {
            stage: word,
            stopped: true,
            duration_ms: 12_345,
            rounds: 3,
            latencies_ms: vec![12, 80],
        },
        MetricRecord::Answer {
            caller: word,
            answer: word,
        },
        MetricRecord::Asked { kind: word },
        MetricRecord::Over {
            kind: word,
            end: word,
            waited_s: 61.5,
        },
        MetricRecord::Environments(EnvironmentsRun {
            stopped: 2,
            saved_money: 0.8125,
            ..EnvironmentsRun::default()
        }),
        MetricRecord::Asleep { place, asleep: 7 },
    ]
}

/// What CloudWatch demands of a line, after its specification.
fn is_taken(line: &Value) {
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for set in directive["Dimensions"].as_array().unwrap() {
            let set = set.as_array().unwrap();
            assert!(set.len() <= 30);
            for name in set.iter().map(|name| name.as_str().unwrap()) {
                // Telemetry adds the function's name.
                let value = line.get(name).and_then(Value::as_str);
                assert!(
                    name == FUNCTION_NAME || value.is_some_and(|it| (1..=1024).contains(&it.len())),
                    "{name}: {line}"
                );
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "{line}");
        for metric in metrics {
            let value = &line[metric["Name"].as_str().unwrap()];
            let several = value
                .as_array()
                .map(|all| (1..=100).contains(&all.len()) && all.iter().all(Value::is_number));
            assert!(several.unwrap_or(value.is_number()), "{metric}: {line}");
        }
    }
}

#[test]
fn each_line_is_what_cloudwatch_reads() {
    let place = place();
    let lines: Vec<String> = each("pre-traffic", &place)
        .iter()
        .flat_map(|measured| measured.lines(at(), &[]))
        .inspect(is_taken)
        .map(|line| line.to_string())
        .collect();
    insta::assert_snapshot!(lines[1], @r#"{"_aws":{"Timestamp":1795510807000,"CloudWatchMetrics":[{"Namespace":"DeployHooks/Gates","Dimensions":[["FunctionName","Stage"]],"Metrics":[{"Name":"Stopped","Unit":"Count"},{"Name":"RunTime","Unit":"Milliseconds"},{"Name":"Rounds","Unit":"Count"},{"Name":"CheckLatency","Unit":"Milliseconds"}]}]},"Stage":"pre-traffic","Stopped":1,"RunTime":12345,"Rounds":3,"CheckLatency":[12,80]}"#);
    insta::assert_snapshot!(lines[6], @r#"{"_aws":{"Timestamp":1795510807000,"CloudWatchMetrics":[{"Namespace":"DeployHooks/Environments","Dimensions":[["FunctionName","Account","Region"]],"Metrics":[{"Name":"Asleep","Unit":"Count"}]}]},"Account":"111122223333","Region":"eu-central-1","Asleep":7}"#);
}

#[test]
fn no_free_text_becomes_a_dimension() {
    let odd = Place {
        account: SUBJECT.into(),
        region: String::new(),
    };
    for measured in each(SUBJECT, &odd) {
        for line in measured.lines(at(), &[]) {
            is_taken(&line);
            assert!(!line.to_string().contains("Dana"), "{line}");
        }
    }
}

#[test]
fn what_is_no_number_costs_its_metric_alone() {
    let run = EnvironmentsRun {
        woken: 4,
        saved_money: f64::NAN,
        saved_gb_hours: f64::INFINITY,
        ..EnvironmentsRun::default()
    };
    let [line] = MetricRecord::Environments(run)
        .lines(at(), &[])
        .try_into()
        .unwrap();
    is_taken(&line);
    assert_eq!(line["Woken"], 4);
    assert!(
        line.get("SavedMoney").is_none() && line.get("SavedGbHours").is_none(),
        "{line}"
    );
}

#[test]
fn many_values_are_spread_over_lines_and_bounded() {
    let run = |count: u64| MetricRecord::GateRun {
        stage: "post-traffic",
        stopped: false,
        duration_ms: 1,
        rounds: 1,
        latencies_ms: (0..count).collect(),
    };
    let lines = run(250).lines(at(), &[]);
    assert_eq!(lines.len(), 3);
    lines.iter().for_each(is_taken);
    let with_time = lines.iter().filter(|line| line.get("RunTime").is_some());
    assert_eq!(with_time.count(), 1, "what there is once is written once");
    let latencies = lines
        .iter()
        .map(|line| line["CheckLatency"].as_array().unwrap().len());
    assert_eq!(latencies.sum::<usize>(), 250);
    assert_eq!(run(1_000_000).lines(at(), &[]).len(), MAX_LINES);
    assert_eq!(run(0).lines(at(), &[]).len(), 1);
}

#[test]
fn the_groups_are_consistent_and_their_number_is_bounded() {
    let mut known = BTreeSet::new();
    for group in &GROUPS {
        for metric in group.metrics {
            assert!(
                known.insert((group.namespace, metric.name)),
                "{} twice",
                metric.name
            );
            assert!(metric.says.ends_with('.'));
        }
        let combinations: usize = group
            .dimensions
            .iter()
            .map(|dimension| match dimension.words {
                DimensionValues::Of(words) => words.len() + 1,
                DimensionValues::Account | DimensionValues::Region => 1,
            })
            .product();
        assert!(
            combinations * group.metrics.len() <= 200,
            "{}",
            group.namespace
        );
    }
    let place = place();
    let groups = each("", &place);
    assert_eq!(groups.len(), GROUPS.len());
    for (measured, group) in groups.iter().zip(GROUPS) {
        assert!(std::ptr::eq(measured.group(), group));
        assert_eq!(measured.dimensions().len(), group.dimensions.len());
        assert_eq!(measured.values().len(), group.metrics.len());
    }
}

/// What must stand in docs/metrics.md: a table of metrics and one of dimensions.
fn documented() -> (Vec<String>, Vec<String>) {
    let mut metrics = Vec::new();
    let mut dimensions = BTreeSet::new();
    for group in &GROUPS {
        let names: Vec<String> = std::iter::once(FUNCTION_NAME)
            .chain(group.dimensions.iter().map(|dimension| dimension.name))
            .map(|name| format!("`{name}`"))
            .collect();
        for metric in group.metrics {
            metrics.push(format!(
                "| `{}` | `{}` | {} | {} | {} |",
                group.namespace,
                metric.name,
                metric.unit,
                names.join(", "),
                metric.says
            ));
        }
        for dimension in group.dimensions {
            let words = match dimension.words {
                DimensionValues::Of(words) => words
                    .iter()
                    .map(|word| format!("`{word}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
                DimensionValues::Account => "the account that was worked in".to_owned(),
                DimensionValues::Region => "its region".to_owned(),
            };
            dimensions.insert(format!("| `{}` | {words} |", dimension.name));
        }
    }
    (metrics, dimensions.into_iter().collect())
}

#[test]
fn the_docs_say_what_is_measured() {
    let text = include_str!("../../../../docs/metrics.md");
    let rows = |heading: &str| -> Vec<String> {
        let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(str::to_owned).collect()
    };
    let reasons = Reason::ALL.map(|reason| format!("| `{}` |", reason.as_str()));
    for (row, reason) in rows("Reasons").iter().zip(&reasons) {
        assert!(
            row.starts_with(reason.as_str()),
            "{row} instead of {reason}"
        );
    }
    assert_eq!(rows("Reasons").len(), reasons.len());
    let (metrics, dimensions) = documented();
    assert_eq!(
        rows("Metrics"),
        metrics,
        "docs/metrics.md should have:\n{}",
        metrics.join("\n")
    );
    assert_eq!(
        rows("Dimensions"),
        dimensions,
        "docs/metrics.md should have:\n{}",
        dimensions.join("\n")
    );
}
