//! The TypeScript view of `messages.rs`. Plain `cargo test` compares the committed file with its source;
//! `npm run generate` sets `JVPN_WRITE_TYPES` and writes it.

use std::{env, fs, path::Path};

use jvpn_proto::blame::{Blame, DropKind, Dropped, Explained, KindClass, PeerFault};
use jvpn_proto::endpoint::{BLOCKS_MAX, Limits, PATHS_MAX};
use jvpn_proto::messages::{
    Assignment, AttachKind, Command, DenialReason, EngineConfig, Link, Offer, PathDescription, PathStats, Peer, Report,
    ReportBatch, Role, Sender, SilenceEvidence, Standing, Timed, Transport,
};
use ts_rs::{Config, TS};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../kernel/contract/engine.generated.ts");
const HEADER: &str = "// Generated from engine/proto/src/messages.rs by `npm run generate`. Do not edit.\n\n";

#[test]
fn the_typescript_contract_equals_its_source() {
    let expected = render();
    if env::var_os("JVPN_WRITE_TYPES").is_some() {
        fs::create_dir_all(Path::new(FILE).parent().expect("the file has a folder")).expect("create the folder");
        fs::write(FILE, &expected).expect("write the generated types");
    }
    let found = fs::read_to_string(FILE).unwrap_or_default();
    assert!(found == expected, "{FILE} differs from messages.rs: run `npm run generate`");
}

fn render() -> String {
    let config = Config::new().with_large_int("number");
    let mut text = String::from(HEADER);
    text.push_str("export type SessionHandle = number;\nexport type PathId = number;\n");
    text.push_str(&constants());
    for part in [
        declare::<Role>(&config),
        declare::<EngineConfig>(&config),
        declare::<Offer>(&config),
        declare::<Peer>(&config),
        declare::<Assignment>(&config),
        declare::<Transport>(&config),
        declare::<PathDescription>(&config),
        declare::<AttachKind>(&config),
        declare::<Command>(&config),
        declare::<Link>(&config),
        declare::<Sender>(&config),
        declare::<PathStats>(&config),
        declare::<SilenceEvidence>(&config),
        declare::<Standing>(&config),
        declare::<DenialReason>(&config),
        declare::<KindClass>(&config),
        declare::<Blame>(&config),
        declare::<DropKind>(&config),
        declare::<PeerFault>(&config),
        declare::<Dropped>(&config),
        declare::<Report>(&config),
        declare::<Timed>(&config),
        declare::<ReportBatch>(&config),
    ] {
        text.push('\n');
        text.push_str(&part);
    }
    text.push_str(&table());
    text
}

/// The constants that Rust defines and TypeScript needs.
fn constants() -> String {
    let limits = Limits::default();
    let constant = |docs: &str, name: &str, value: u64| format!("\n/** {docs} */\nexport const {name} = {value};\n");
    [
        constant("Maximum number of paths of one session, validated or not.", "PATHS_MAX", PATHS_MAX as u64),
        constant("Age of a key at which it is renewed, seconds.", "REKEY_AFTER_S", limits.rekey_after_us / 1_000_000),
        constant(
            "Age at which a key may not carry packets any more, seconds.",
            "REJECT_AFTER_S",
            limits.reject_after_us / 1_000_000,
        ),
        constant("Packets under one key until it is renewed.", "REKEY_AFTER_PACKETS", limits.rekey_after_packets),
        constant("Blocks of 16 bytes under one key until it is renewed.", "REKEY_AFTER_BLOCKS", BLOCKS_MAX),
    ]
    .concat()
}

/// The table of kinds, for the core and for the reference documentation.
fn table() -> String {
    let drops = DropKind::ALL.iter().map(|kind| (json(kind), kind.explained()));
    let faults = PeerFault::ALL.iter().map(|fault| (json(fault), fault.explained()));
    let row = |(name, Explained { class, blame, text }): (String, Explained)| {
        let name = name.trim_matches('"');
        format!("  {name}: {{ class: {}, blame: {}, text: {} }},\n", json(&class), json(&blame), json(&text))
    };
    let rows: String = drops.chain(faults).map(row).collect();
    format!(
        "\n/** Class, blame and text of each kind. Source: engine/proto/src/vocabulary/blame.rs. */\n\
         export const ENGINE_KINDS: Readonly<\n  Record<DropKind | PeerFault, {{ readonly class: KindClass; readonly blame: Blame; \
         readonly text: string }}>\n> = {{\n{rows}}};\n"
    )
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data")
}

fn declare<T: TS>(config: &Config) -> String {
    let docs = T::docs().unwrap_or_default();
    let declaration = T::decl(config);
    let (name, body) = declaration.split_once(" = ").expect("a declaration is `type Name = body;`");
    let body = body.strip_suffix(';').unwrap_or(body);
    if body.contains("{ \"type\": ") {
        let members: Vec<String> = body.split(" | {").map(|member| format!("\n  | {}", one_line(member))).collect();
        return format!("{docs}export {name} ={};\n", members.concat());
    }
    if body.starts_with('{') {
        return format!("{docs}export {name} = {};\n", one_field_a_line(body));
    }
    if body.len() > 120 {
        return format!("{docs}export {name} =\n  | {};\n", body.replace(" | ", "\n  | "));
    }
    format!("{docs}export {name} = {body};\n")
}

/// `{ "type": "A", path: number, }` → `{ readonly type: "A"; readonly path: number }`.
fn one_line(object: &str) -> String {
    let fields: Vec<String> = fields(object).iter().map(|(_, field)| read_only(field)).collect();
    format!("{{ {} }}", fields.join("; "))
}

fn one_field_a_line(object: &str) -> String {
    let mut lines = String::from("{\n");
    for (docs, field) in fields(object) {
        for line in docs.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let indent = if line.starts_with('*') { "   " } else { "  " };
            lines.extend([indent, line, "\n"]);
        }
        lines.extend(["  ", &read_only(field), ";\n"]);
    }
    lines.push('}');
    lines
}

/// `"type": T` → `readonly type: T`, and `paths: Array<number>` → `readonly paths: readonly number[]`.
fn read_only(field: &str) -> String {
    let field = field.replace("\"type\"", "type");
    match field.split_once("Array<") {
        Some((name, element)) => format!("readonly {name}readonly {}", element.replace('>', "[]")),
        None => format!("readonly {field}"),
    }
}

/// The fields of a flat object type, each with the comment before it. No field's type contains a comma.
fn fields(object: &str) -> Vec<(&str, &str)> {
    let mut rest = object.trim().trim_start_matches('{').trim_end_matches('}').trim();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (docs, after) = match rest.strip_prefix("/**") {
            Some(_) => rest.split_at(rest.find("*/").expect("a comment ends") + 2),
            None => ("", rest),
        };
        let (field, next) = after.split_once(',').unwrap_or((after, ""));
        fields.push((docs, field.trim()));
        rest = next.trim();
    }
    fields
}

/// rustc does not report a variant of a public enum that is never constructed.
#[test]
fn every_kind_of_the_table_is_counted_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut source = String::new();
    for folder in [root.join("src"), root.join("../io/src")] {
        read_all(&folder, &mut source);
    }
    let drops = DropKind::ALL.iter().map(|kind| format!("DropKind::{kind:?}"));
    let faults = PeerFault::ALL.iter().map(|fault| format!("PeerFault::{fault:?}"));
    let is_used =
        |name: &String| source.split(name.as_str()).skip(1).any(|rest| !rest.starts_with(char::is_alphanumeric));
    let unused: Vec<String> = drops.chain(faults).filter(|name| !is_used(name)).collect();
    assert_eq!(unused, Vec::<String>::new(), "no code of the engine counts these kinds");
}

/// Reads all sources of a folder without its tests: a test module is at the end of a file or in a file of its own.
fn read_all(folder: &Path, source: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "tests" && name != "rogue" {
            read_all(&path, source);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !["blame.rs", "tests.rs", "rogue.rs"].contains(&name)
        {
            let text = fs::read_to_string(&path).expect("a source");
            source.push_str(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
}
