//! What a model answered, as Converse has it.

use serde_json::Value;

/// Tools that are looked at in one answer.
const MAX_TOOLS: usize = 20;

/// An answer of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// `tool_use`, `end_turn`, `max_tokens`, `guardrail_intervened` …
    pub stop_reason: String,
    /// Its words.
    pub text: String,
    /// Tools that it uses: name and input.
    pub tools: Vec<(String, Value)>,
    /// Tokens that it read.
    pub input_tokens: u64,
    /// Tokens that it wrote.
    pub output_tokens: u64,
}

impl Answer {
    /// Reads what Converse sent. What is missing is empty: a model that says nothing is told so.
    pub fn read(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let content = answer["output"]["message"]["content"].as_array();
        let blocks: &[Value] = content.map_or(&[], Vec::as_slice);
        let words: Vec<&str> = blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        let used = blocks.iter().filter_map(|block| block.get("toolUse"));
        let used = used.take(MAX_TOOLS);
        let tools = used.map(|tool| (text(&tool["name"]), tool["input"].clone()));
        let usage = &answer["usage"];
        let cached = |key: &str| usage[key].as_u64().unwrap_or_default();
        Self {
            stop_reason: text(&answer["stopReason"]),
            text: words.join("\n"),
            tools: tools.collect(),
            input_tokens: cached("inputTokens")
                .saturating_add(cached("cacheReadInputTokens"))
                .saturating_add(cached("cacheWriteInputTokens")),
            output_tokens: cached("outputTokens"),
        }
    }
}
