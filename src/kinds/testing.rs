//! Helpers for the tests of kinds: a step as JSON in, resources, edits, actions or the error out.

use super::kind_named;
use crate::kind::{
    Answer, Circumstances, Compared, Delta, Edit, Mend, Observe, Payload, Permits, Resource,
    Rewrite, StepMeta, Target, Verdict, Written,
};
use crate::platform::Platform;
use crate::text::Vault;
use serde_json::Value as Json;
use std::sync::Arc;

/// A node called `node1`.
pub(super) fn target(platform: Platform) -> Target {
    Target {
        node: "node1".into(),
        platform,
    }
}

/// A command in which the operator permitted nothing.
pub(super) fn circumstances(target: &Target) -> Circumstances<'_> {
    static NOTHING: Permits = Permits {
        outage: false,
        destroy: std::collections::BTreeSet::new(),
    };
    static NOWHERE: Written = Written::nothing();
    Circumstances {
        target,
        permits: &NOTHING,
        written: &NOWHERE,
    }
}

/// The resources of a step; its kind is the one of its keys that names one.
pub(super) fn read(step: &Json, platform: Platform) -> Result<Vec<Resource>, String> {
    let step = step.as_object().expect("a step is an object").clone();
    let kind = step
        .keys()
        .find_map(|key| kind_named(key))
        .expect("a step has a kind");
    kind.read("r", step, &Arc::new(StepMeta::default()), &target(platform))
}

/// The resources of a step on this platform.
pub(super) fn resources_on(step: &Json, platform: Platform) -> Vec<Resource> {
    read(step, platform).expect("the step is right")
}

/// The edits of a step on this platform.
pub(super) fn edits_on(step: &Json, platform: Platform) -> Vec<Edit> {
    resources_on(step, platform)
        .into_iter()
        .flat_map(|r| r.files.edits)
        .collect()
}

/// The edits of a step on Debian 12.
pub(super) fn edits(step: &Json) -> Vec<Edit> {
    edits_on(step, Platform::Debian12)
}

/// The addresses of a step.
pub(super) fn names(step: &Json) -> Vec<String> {
    resources_on(step, Platform::Debian12)
        .iter()
        .map(|r| r.address.to_string())
        .collect()
}

/// The reason why a step is refused.
pub(super) fn error(step: &Json) -> String {
    read(step, Platform::Debian12).expect_err("the step is wrong")
}

/// The calls of a step's observation, section by section: `NAME: CALL`.
pub(super) fn queries(step: &Json, platform: Platform) -> Vec<String> {
    let resources = resources_on(step, platform);
    let mut observe = Observe::default();
    resources[0].kind.running().observe(
        &resources.iter().collect::<Vec<_>>(),
        &target(platform),
        &mut observe,
    );
    let script = observe.script("zz");
    script
        .lines()
        .filter_map(|line| {
            let call = line
                .strip_prefix("nw_section ")
                .or_else(|| line.strip_prefix("nw_begin "))?;
            let (name, call) = call.split_once(' ')?;
            Some(format!("{name}: {call}"))
        })
        .collect()
}

/// A resource compared, without any secret and where the operator permitted nothing; `written` says that a path that it
/// depends on is written.
pub(super) fn compare(
    resource: &Resource,
    target: &Target,
    answer: &Answer,
    written: bool,
) -> Result<Compared, String> {
    compare_with(resource, target, answer, written, &Vault::new())
}

/// The same with secrets.
pub(super) fn compare_with(
    resource: &Resource,
    target: &Target,
    answer: &Answer,
    written: bool,
    vault: &Vault,
) -> Result<Compared, String> {
    let mut paths = Written::nothing();
    for path in resource.depends.paths.iter().filter(|_| written) {
        paths.add(0, path, Rewrite::Somehow);
    }
    let circumstances = Circumstances {
        written: &paths,
        ..circumstances(target)
    };
    let running = resource.kind.running();
    running.compare(resource, answer, &circumstances, vault)
}

/// The work that brings resources of one kind to their desired state, without any secret.
pub(super) fn mend(resources: &[&Resource], target: &Target, answer: &Answer) -> Mend {
    let running = resources[0].kind.running();
    let work = running.mend(resources, &circumstances(target), answer, &Vault::new());
    work.expect("the answer can be read")
}

/// The verdict on the first resource of a step.
pub(super) fn verdict_on(
    step: &Json,
    platform: Platform,
    sections: &[(&str, &str, i32)],
) -> Result<Verdict, String> {
    let resource = resources_on(step, platform).remove(0);
    let answer = Answer::from_sections(sections.iter().copied());
    let compared = compare(&resource, &target(platform), &answer, false)?;
    Ok(compared.verdict)
}

/// The verdict on the first resource of a step on Debian 12.
pub(super) fn verdict(step: &Json, sections: &[(&str, &str, i32)]) -> Verdict {
    verdict_on(step, Platform::Debian12, sections).expect("the answer can be read")
}

/// The differences found, as `WHAT: FROM -> TO`.
pub(super) fn changes(step: &Json, sections: &[(&str, &str, i32)]) -> Vec<String> {
    match verdict(step, sections) {
        Verdict::Change(deltas) => deltas.iter().map(shown).collect(),
        Verdict::Same => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// A difference as `WHAT: FROM -> TO`.
pub(super) fn shown(delta: &Delta) -> String {
    format!("{}: {} -> {}", delta.what, delta.from, delta.to)
}

/// The actions for the first resource of a step, as lines of shell.
pub(super) fn actions_on(
    step: &Json,
    platform: Platform,
    sections: &[(&str, &str, i32)],
) -> Vec<String> {
    let resource = resources_on(step, platform).remove(0);
    let answer = Answer::from_sections(sections.iter().copied());
    mend(&[&resource], &target(platform), &answer)
        .calls
        .iter()
        .map(crate::sh::Call::to_shell)
        .collect()
}

/// The contents that the actions on Debian 12 need.
pub(super) fn contents(step: &Json, sections: &[(&str, &str, i32)]) -> Vec<Payload> {
    let resource = resources_on(step, Platform::Debian12).remove(0);
    let answer = Answer::from_sections(sections.iter().copied());
    let target = target(Platform::Debian12);
    mend(&[&resource], &target, &answer).contents
}

/// The actions on Debian 12.
pub(super) fn actions(step: &Json, sections: &[(&str, &str, i32)]) -> Vec<String> {
    actions_on(step, Platform::Debian12, sections)
}
