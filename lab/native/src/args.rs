//! The command line: `--name value` pairs and switches. Abbreviations and unknown options are refused.

use crate::fault::Fault;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The options of one subcommand. The call to [`Args::parse`] names every option; all others are refused, so that a
/// scenario never runs with a default instead of a misspelt option.
#[derive(Debug)]
pub struct Args {
    values: BTreeMap<String, String>,
    command: &'static str,
}

impl Args {
    /// `valued` take a value, `switches` do not. Refuses unknown and repeated options.
    pub fn parse(
        command: &'static str,
        words: &[String],
        valued: &[&str],
        switches: &[&str],
    ) -> Result<Self, Fault> {
        let mut args = Self {
            values: BTreeMap::new(),
            command,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").unwrap_or_default();
            let value = if valued.contains(&name) {
                words
                    .next()
                    .ok_or_else(|| args.refuse(format!("--{name} needs a value")))?
                    .clone()
            } else if switches.contains(&name) {
                String::new()
            } else {
                return Err(args.refuse(format!("unknown option \"{word}\"")));
            };
            if args.values.insert(name.to_owned(), value).is_some() {
                return Err(args.refuse(format!("--{name} is given twice")));
            }
        }
        Ok(args)
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub fn required(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)
            .ok_or_else(|| self.refuse(format!("--{name} is missing")))
    }

    /// The parsed value of an option; `None` if it is missing.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let parsed = text
            .parse()
            .map_err(|_| self.refuse(format!("--{name} cannot be \"{text}\"")))?;
        Ok(Some(parsed))
    }

    /// The parsed value of an option in the range `min…max`, or `default`.
    pub fn within<T>(&self, name: &str, default: T, min: T, max: T) -> Result<T, Fault>
    where
        T: FromStr + PartialOrd + Copy + std::fmt::Display,
    {
        let value = self.optional(name)?.unwrap_or(default);
        if value >= min && value <= max {
            Ok(value)
        } else {
            Err(self.refuse(format!("--{name} must be {min}…{max}, not {value}")))
        }
    }

    pub fn refuse(&self, what: impl std::fmt::Display) -> Fault {
        Fault::usage(
            format!("jvpn-lab {}: {what}", self.command),
            format!("see: jvpn-lab {} --help", self.command),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Fault> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse("flow send", &words, &["to", "rate"], &["quiet"])
    }

    #[test]
    fn values_and_switches_are_told_apart() {
        let args = parse("--to 10.0.0.1:1 --quiet").expect("valid");
        assert_eq!(args.text("to"), Some("10.0.0.1:1"));
        assert!(args.has("quiet") && !args.has("rate"));
        assert_eq!(args.within("rate", 1000, 1, 10_000).expect("default"), 1000);
    }

    #[test]
    fn what_is_unknown_repeated_or_out_of_range_is_refused() {
        for line in [
            "--tow x",
            "to x",
            "--to",
            "--quiet --quiet",
            "--to a --to b",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let args = parse("--rate 0").expect("valid words");
        assert!(args.within("rate", 1000, 1, 10_000).is_err());
        assert!(
            parse("--rate x")
                .expect("valid words")
                .within("rate", 1, 1, 2)
                .is_err()
        );
    }
}
