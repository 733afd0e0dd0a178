//! Puts recorded steps into the text of a suite, and leaves all else as somebody wrote it. Pure.

/// The text with `recorded` in the block whose keys begin at `line` and `column` (both from 1), in place of what is recorded
/// there; none where that is no block.
pub(super) fn with_recorded(
    text: &str,
    line: usize,
    column: usize,
    steps: &[String],
) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let indent = column.checked_sub(1)?;
    let first = lines.get(line.checked_sub(1)?)?;
    let is_block = first
        .get(..indent)
        .is_some_and(|before| before.chars().all(|c| c == ' '));
    if !is_block || first[indent..].starts_with('{') {
        return None;
    }
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let says_something =
        |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let is_within = |line: &&str| !says_something(line) || depth(line) >= indent;
    let block = &lines[line - 1..];
    let length = block.iter().take_while(|line| is_within(line)).count();
    // Blank lines and comments at the end belong to what follows.
    let length = block[..length]
        .iter()
        .rposition(|line| says_something(line))
        .map_or(1, |last| last + 1);
    let mut kept: Vec<&str> = Vec::new();
    let mut in_recorded = false;
    for line in &block[..length] {
        // A list may stand as deep as its key.
        let is_item = in_recorded
            && line
                .get(indent..)
                .is_some_and(|rest| rest.starts_with("- "));
        if says_something(line) && depth(line) == indent && !is_item {
            in_recorded = line[indent..].starts_with("recorded:");
        }
        if !in_recorded {
            kept.push(line);
        }
    }
    let margin = " ".repeat(indent);
    let mut edited: Vec<String> = lines[..line - 1].iter().map(ToString::to_string).collect();
    edited.extend(kept.into_iter().map(str::to_owned));
    edited.push(format!("{margin}recorded:"));
    edited.extend(steps.iter().map(|step| format!("{margin}  - {step}")));
    edited.extend(block[length..].iter().map(ToString::to_string));
    Some(edited.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "checks:
  - name: one
    agent:
      goal: Buy          # in words
      proof:
        - text: Thank you

  # the next one
  - name: two
    http: GET /
";

    #[test]
    fn steps_are_put_at_the_end_of_their_block_and_replace_earlier_ones() {
        let steps = |steps: &[&str]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
        let once = with_recorded(SUITE, 4, 7, &steps(&["go: \"/\"", "click: { css: a }"])).unwrap();
        insta::assert_snapshot!(once, @r#"
        checks:
          - name: one
            agent:
              goal: Buy          # in words
              proof:
                - text: Thank you
              recorded:
                - go: "/"
                - click: { css: a }

          # the next one
          - name: two
            http: GET /
        "#);
        let twice = with_recorded(&once, 4, 7, &steps(&["click: { css: b }"])).unwrap();
        assert_eq!(
            twice,
            with_recorded(SUITE, 4, 7, &steps(&["click: { css: b }"])).unwrap()
        );
    }

    #[test]
    fn what_is_no_block_is_left_alone() {
        let flow = "checks:\n  - { name: one, agent: { goal: Buy } }\n";
        assert_eq!(with_recorded(flow, 2, 26, &[]), None);
        assert_eq!(with_recorded(flow, 9, 1, &[]), None);
    }
}
