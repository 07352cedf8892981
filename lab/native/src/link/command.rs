//! The commands that control a running link.

use super::settings::Change;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The direction that a command concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Ab,
    Ba,
    Both,
}

impl Direction {
    pub fn contains(self, lane: usize) -> bool {
        match self {
            Self::Ab => lane == 0,
            Self::Ba => lane == 1,
            Self::Both => true,
        }
    }
}

/// One end of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    A,
    B,
}

#[derive(Debug, Clone)]
pub enum Command {
    Set {
        direction: Direction,
        change: Box<Change>,
    },
    Carrier {
        side: Side,
        up: bool,
    },
    Stats {
        /// Restart the lateness statistics.
        restart: bool,
    },
    Quit,
}

impl Command {
    /// Refuses a line that is not a JSON object with a known `op` and only known fields.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
        let op: String = required(&mut fields, "op")?;
        let command = match op.as_str() {
            "set" => {
                let direction = required(&mut fields, "dir")?;
                let change = serde_json::from_value(Value::Object(std::mem::take(&mut fields)))
                    .map_err(|error| error.to_string())?;
                Self::Set {
                    direction,
                    change: Box::new(change),
                }
            }
            "carrier" => Self::Carrier {
                side: required(&mut fields, "side")?,
                up: required(&mut fields, "up")?,
            },
            "stats" => Self::Stats {
                restart: optional(&mut fields, "restart")?.unwrap_or(false),
            },
            "quit" => Self::Quit,
            _ => {
                return Err(format!(
                    "unknown op \"{op}\"; known: set, carrier, stats, quit"
                ));
            }
        };
        match fields.keys().next() {
            Some(unknown) => Err(format!("unknown field \"{unknown}\" of op \"{op}\"")),
            None => Ok(command),
        }
    }
}

fn required<T: for<'de> Deserialize<'de>>(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<T, String> {
    optional(fields, name)?.ok_or_else(|| format!("\"{name}\" is missing"))
}

fn optional<T: for<'de> Deserialize<'de>>(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, String> {
    fields
        .remove(name)
        .map(|value| serde_json::from_value(value).map_err(|error| format!("\"{name}\": {error}")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_op_is_understood() {
        for line in [
            r#"{"op":"set","dir":"ab","delayMs":10,"burst":{"p":0.1,"r":0.5},"rateMbit":null,"blackhole":true}"#,
            r#"{"op":"carrier","side":"b","up":false}"#,
            r#"{"op":"stats"}"#,
            r#"{"op":"stats","restart":true}"#,
            r#"{"op":"quit"}"#,
        ] {
            assert!(Command::parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_whole() {
        for line in [
            "",
            "[]",
            "{}",
            r#"{"op":"sett","dir":"ab"}"#,
            r#"{"op":"set","delayMs":1}"#,
            r#"{"op":"set","dir":"ac"}"#,
            r#"{"op":"set","dir":"ab","delay":1}"#,
            r#"{"op":"carrier","side":"a"}"#,
            r#"{"op":"stats","dir":"ab"}"#,
            r#"{"op":"stats","restart":1}"#,
        ] {
            assert!(Command::parse(line).is_err(), "{line}");
        }
    }
}
