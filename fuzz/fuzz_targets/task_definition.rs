//! A task definition with placeholders, as a pipeline's artifact has it.
#![no_main]

use std::collections::BTreeMap;

use ecs_deploy::template::{Caller, Images, fill};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let images = Images {
        caller: Caller::Pipeline,
        named: BTreeMap::from([("IMAGE1_NAME".to_owned(), "shop:1".to_owned())]),
        detail: Some("shop:2".to_owned()),
    };
    let _ = fill(text, &images, false);
});
