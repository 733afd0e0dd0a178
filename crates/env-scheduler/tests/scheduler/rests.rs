//! What becomes of the rest when the time is over.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Fixture, NIGHT};
use crate::support::{Svc, block_on};

/// A function with a time limit of so much begins nothing in the second half of it.
const SHORT: Duration = Duration::from_secs(20);

async fn town() -> Fixture {
    let fixture = Fixture::new();
    (0..150).for_each(|n| fixture.add(&format!("dev/web-{n}"), Svc::new(1)));
    fixture.until(NIGHT).await;
    fixture
}

fn awake(fixture: &Fixture) -> usize {
    let all = fixture.all();
    all.values().filter(|service| service.desired > 0).count()
}

#[test]
fn the_function_invokes_itself_until_nothing_is_left() {
    block_on(async {
        let fixture = town().await;
        let event = json!({"action": "down", "at": NIGHT, "cause": "the evening"});
        let answer = fixture.invoke_for(SHORT, event).await.unwrap();
        assert_eq!(answer["continued"], true);
        let left = answer["done"]["continue"].as_u64().unwrap();
        assert!((40..100).contains(&left), "{left}");
        let mut runs = 1;
        while let Some(next) = fixture.beside(|beside| beside.invoked.pop_front()) {
            assert_eq!(next["continuation"], runs);
            assert_eq!(
                (&next["action"], &next["cause"]),
                (&json!("down"), &json!("the evening"))
            );
            let at = next["at"].as_str().unwrap();
            assert!(at > NIGHT, "the clock doesn't go back: {at}");
            fixture.invoke_for(SHORT, next).await.unwrap();
            runs += 1;
        }
        assert!((3..6).contains(&runs), "{runs}");
        assert_eq!(awake(&fixture), 0);
    });
}

#[test]
fn a_state_machine_invokes_again_by_itself() {
    block_on(async {
        let fixture = town().await;
        let mut event = json!({"action": "down", "at": NIGHT, "loop": true});
        let mut runs = 0;
        loop {
            let answer = fixture.invoke_for(SHORT, event).await.unwrap();
            runs += 1;
            if answer["continued"] == json!(false) {
                assert_eq!(answer.get("next"), None);
                break;
            }
            event = answer["next"].clone();
        }
        assert!((3..6).contains(&runs), "{runs}");
        assert_eq!(awake(&fixture), 0);
        assert!(fixture.beside(|beside| beside.invoked.is_empty()));
    });
}

#[test]
fn it_does_not_go_on_for_ever() {
    block_on(async {
        let fixture = town().await;
        let event = json!({"action": "down", "at": NIGHT, "continuation": env_scheduler::continuation::MAX_CONTINUATIONS});
        let answer = fixture.invoke_for(SHORT, event).await.unwrap();
        assert_eq!(answer["continued"], false);
        assert!(fixture.beside(|beside| beside.invoked.is_empty()));
        insta::assert_snapshot!(answer["problems"][0].as_str().unwrap(), @"the run was continued 12 times and there is still more to do; the next tick continues. Raise the function's timeout, or `rate` in the configuration");
        // A caller that loops has its own limit.
        let event = json!({"action": "down", "at": NIGHT, "continuation": 40, "loop": true});
        let answer = fixture.invoke_for(SHORT, event).await.unwrap();
        assert_eq!(
            (&answer["continued"], &answer["next"]["continuation"]),
            (&json!(true), &json!(41))
        );
    });
}

#[test]
fn where_it_may_not_invoke_itself_the_next_tick_goes_on() {
    block_on(async {
        let fixture = town().await;
        fixture.beside(|beside| beside.no_invoking = true);
        let event = json!({"action": "down", "at": NIGHT});
        let answer = fixture.invoke_for(SHORT, event).await.unwrap();
        assert_eq!(answer["continued"], false);
        insta::assert_snapshot!(answer["problems"][0].as_str().unwrap(), @"the function could not invoke itself: AccessDeniedException: not authorized; the function's role needs lambda:InvokeFunction on itself; the next tick continues");
        fixture.invoke(json!({"action": "tick"})).await.unwrap();
        assert_eq!(awake(&fixture), 0);
    });
}

#[test]
fn a_service_whose_time_is_over_is_told_as_such() {
    block_on(async {
        let fixture = town().await;
        let event = json!({"action": "down", "at": NIGHT});
        let answer = fixture.invoke_for(SHORT, event).await.unwrap();
        let count = |name: &str| answer["done"][name].as_u64().unwrap();
        assert_eq!(count("stopped") + count("continue"), 150);
        let summary: &Value = &answer["summary"];
        assert!(
            summary
                .as_str()
                .unwrap()
                .contains("left for the next run: the time was over"),
            "{summary}"
        );
    });
}
