//! Parts of a page that a script in its document does not reach: what is in closed shadow roots, and documents of frames.
//! The protocol reaches them, so that what must not be in a picture is found there as well.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::page::{ISOLATED_WORLD, ISOLATED_WORLD_SCRIPT, Page, ScriptResult};

/// Shadow roots and frames of a page that are looked into, and elements of closed shadow roots.
const MAX_PARTS: usize = 300;
const MAX_CLOSED: usize = 10_000;
/// What may have a document of its own in it.
const FRAMES: [&str; 5] = ["iframe", "frame", "fencedframe", "object", "embed"];

/// A document that is shown, and what its own script does not find in it.
pub(crate) struct Part {
    /// Of our scripts in it.
    pub(crate) world: i64,
    /// Closed shadow roots.
    pub(crate) roots: Vec<String>,
    /// Frames of other processes, which nothing here looks into.
    pub(crate) frames: Vec<String>,
}

/// As `DOMSnapshot.captureSnapshot` has it: texts are numbers, by which they stand in one list.
#[derive(Deserialize)]
struct Snapshot {
    documents: Vec<Document>,
    strings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    frame_id: i64,
    nodes: Nodes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes {
    #[serde(default)]
    parent_index: Vec<i64>,
    #[serde(default)]
    node_name: Vec<i64>,
    #[serde(default)]
    backend_node_id: Vec<i64>,
    #[serde(default)]
    shadow_root_type: Rare,
    #[serde(default)]
    content_document_index: Rare,
}

/// What few nodes have: which ones, and what.
#[derive(Default, Deserialize)]
struct Rare {
    #[serde(default)]
    index: Vec<usize>,
    #[serde(default)]
    value: Vec<i64>,
}

/// A node with what is in it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(default)]
    backend_node_id: i64,
    #[serde(default)]
    shadow_root_type: String,
    #[serde(default)]
    shadow_roots: Vec<Self>,
    #[serde(default)]
    children: Vec<Self>,
}

/// The same of one document, by the numbers that the browser has for its nodes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    frame: String,
    /// What has a closed shadow root that is in no other one.
    hosts: Vec<i64>,
    closed: usize,
    frames: Vec<i64>,
}

impl Snapshot {
    fn text(&self, index: i64) -> &str {
        let index = usize::try_from(index).ok();
        let text = index.and_then(|index| self.strings.get(index));
        text.map_or("", String::as_str)
    }

    fn found(&self) -> Vec<Found> {
        self.documents
            .iter()
            .map(|document| self.found_in(document))
            .collect()
    }

    fn found_in(&self, document: &Document) -> Found {
        let nodes = &document.nodes;
        let number = |index: usize| nodes.backend_node_id.get(index).copied();
        let types = &nodes.shadow_root_type;
        let kinds = types.index.iter().zip(&types.value);
        let closed: Vec<usize> = kinds
            .filter(|(_, kind)| self.text(**kind) == "closed")
            .map(|(index, _)| *index)
            .collect();
        let is_closed = |index: usize| closed.binary_search(&index).is_ok();
        let parents = closed.iter().filter_map(|index| {
            let parent = nodes.parent_index.get(*index)?;
            usize::try_from(*parent).ok()
        });
        let outer = parents.filter(|parent| !is_closed(*parent));
        let mut hosts: Vec<i64> = outer.filter_map(number).collect();
        hosts.dedup();
        let names = nodes.node_name.iter().enumerate();
        let elsewhere = names.filter(|(index, name)| {
            let name = self.text(**name);
            let is_frame = FRAMES.iter().any(|one| name.eq_ignore_ascii_case(one));
            is_frame && !nodes.content_document_index.index.contains(index)
        });
        Found {
            frame: self.text(document.frame_id).to_owned(),
            hosts,
            closed: closed.len(),
            frames: elsewhere.filter_map(|(index, _)| number(index)).collect(),
        }
    }
}

impl Described {
    /// The closed shadow roots in it, whatever they are in.
    fn closed(&self, found: &mut Vec<i64>) {
        if self.shadow_root_type == "closed" {
            found.push(self.backend_node_id);
        }
        for inner in self.shadow_roots.iter().chain(&self.children) {
            inner.closed(found);
        }
    }
}

impl Page {
    /// The documents of the page that are in its own process, its own one first.
    pub(crate) async fn parts(&mut self) -> Result<Vec<Part>, Error> {
        let snapshot: Snapshot = self
            .call(
                "DOMSnapshot.captureSnapshot",
                json!({ "computedStyles": [] }),
            )
            .await?;
        let found = snapshot.found();
        drop(snapshot);
        let closed: usize = found.iter().map(|one| one.closed).sum();
        let parts: usize = found
            .iter()
            .map(|one| 1 + one.hosts.len() + one.frames.len())
            .sum();
        if closed > MAX_CLOSED || parts > MAX_PARTS {
            return Err(Error::Script(format!(
                "its {parts} frames and closed shadow roots are more than are looked into"
            )));
        }
        let mut parts = Vec::new();
        for (index, one) in found.into_iter().enumerate() {
            let world = if index == 0 {
                self.world().await?
            } else {
                self.world_of(&one.frame).await?
            };
            let mut roots = Vec::new();
            for host in one.hosts {
                self.closed_roots(host, &mut roots).await?;
            }
            parts.push(Part {
                world,
                roots: self.objects(&roots, world).await?,
                frames: self.objects(&one.frames, world).await?,
            });
        }
        Ok(parts)
    }

    /// Our world in the document of a frame, with our script in it.
    async fn world_of(&mut self, frame: &str) -> Result<i64, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct World {
            execution_context_id: i64,
        }
        let create = json!({ "frameId": frame, "worldName": ISOLATED_WORLD });
        let world: World = self.call("Page.createIsolatedWorld", create).await?;
        let context = world.execution_context_id;
        let evaluate = json!({ "expression": ISOLATED_WORLD_SCRIPT, "contextId": context });
        let _: Value = self.call("Runtime.evaluate", evaluate).await?;
        Ok(context)
    }

    async fn closed_roots(&mut self, host: i64, found: &mut Vec<i64>) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Node {
            node: Described,
        }
        let describe = json!({ "backendNodeId": host, "depth": -1, "pierce": true });
        let described: Node = self.call("DOM.describeNode", describe).await?;
        described.node.closed(found);
        Ok(())
    }

    async fn objects(&mut self, nodes: &[i64], world: i64) -> Result<Vec<String>, Error> {
        let mut objects = Vec::new();
        for node in nodes {
            let id = self.object_id(*node, world).await?;
            // What can't be looked into may show anything.
            let unseen = || Error::Script("a part of the page can't be looked into".to_owned());
            objects.push(id.ok_or_else(unseen)?);
        }
        Ok(objects)
    }

    /// Calls a function of our script in a part, with texts and then with what was found there.
    pub(crate) async fn call_in<T: serde::de::DeserializeOwned>(
        &mut self,
        part: &Part,
        function: &str,
        values: &[Value],
    ) -> Result<T, Error> {
        let given = values.iter().map(|value| json!({ "value": value }));
        let nodes = part.roots.iter().chain(&part.frames);
        let nodes = nodes.map(|id| json!({ "objectId": id }));
        let arguments: Vec<Value> = given.chain(nodes).collect();
        let call = json!({
            "functionDeclaration": function, "executionContextId": part.world, "arguments": arguments,
            "returnByValue": true
        });
        let called: ScriptResult = self.call("Runtime.callFunctionOn", call).await?;
        called.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_roots_and_frames_of_other_processes_are_found() {
        let snapshot: Snapshot = serde_json::from_value(json!({
            "strings": ["F1", "DIV", "P", "IFRAME", "closed", "open", "F2"],
            "documents": [
                {
                    "frameId": 0,
                    "nodes": {
                        // A host with a closed root, in which another one has one, and an open one.
                        "parentIndex": [-1, 0, 1, 2, 0, 4, 0, 0],
                        "nodeName": [1, 1, 1, 2, 1, 2, 3, 3],
                        "backendNodeId": [10, 11, 12, 13, 14, 15, 16, 17],
                        "shadowRootType": { "index": [2, 3, 5], "value": [4, 4, 5] },
                        "contentDocumentIndex": { "index": [6], "value": [1] }
                    }
                },
                { "frameId": 6, "nodes": { "parentIndex": [-1], "nodeName": [2], "backendNodeId": [20] } }
            ]
        }))
        .unwrap();
        let expected = [
            Found {
                frame: "F1".to_owned(),
                hosts: vec![11],
                closed: 2,
                frames: vec![17],
            },
            Found {
                frame: "F2".to_owned(),
                ..Found::default()
            },
        ];
        assert_eq!(snapshot.found(), expected);
        let described: Described = serde_json::from_value(json!({
            "backendNodeId": 11, "shadowRoots": [{
                "backendNodeId": 30, "shadowRootType": "closed", "children": [{
                    "backendNodeId": 12, "shadowRoots": [{ "backendNodeId": 31, "shadowRootType": "closed" }]
                }]
            }, { "backendNodeId": 32, "shadowRootType": "user-agent" }]
        }))
        .unwrap();
        let mut found = Vec::new();
        described.closed(&mut found);
        assert_eq!(found, [30, 31]);
    }

    #[test]
    fn a_snapshot_that_makes_no_sense_names_nothing() {
        let snapshot: Snapshot = serde_json::from_value(json!({
            "strings": ["closed"],
            "documents": [{ "frameId": -1, "nodes": {
                "parentIndex": [9, -7], "nodeName": [99], "shadowRootType": { "index": [0, 1, 99], "value": [0, 0] }
            } }]
        }))
        .unwrap();
        let found = &snapshot.found()[0];
        assert_eq!((&found.hosts[..], &found.frames[..]), (&[][..], &[][..]));
    }
}
