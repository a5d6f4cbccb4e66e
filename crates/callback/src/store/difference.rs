//! What applying a settings file changes, in words and as JSON.

use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// What an `apply` changes, or would change.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Difference {
    /// Nothing was written.
    pub dry_run: bool,
    /// Empty where the database holds all that the file says.
    pub changes: Vec<Change>,
}

/// One customer or site.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Change {
    /// "customer" or "site".
    pub kind: &'static str,
    /// The customer's e-mail, or the site's key.
    pub name: String,
    /// The version that is published; none for customers.
    pub version: Option<u32>,
    /// It is new.
    pub created: bool,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// One field.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FieldChange {
    /// Where, like `managers[1].name`.
    pub field: String,
    /// Before; null where there was none.
    pub from: Value,
    /// After; null where there is none.
    pub to: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("nothing to change\n");
        }
        for change in &self.changes {
            let what = match (change.created, self.dry_run) {
                (true, false) => "created",
                (true, true) => "would be created",
                (false, false) => "changed",
                (false, true) => "would be changed",
            };
            write!(f, "{} {}: {what}", change.kind, change.name)?;
            match change.version {
                Some(version) => writeln!(f, ", version {version}")?,
                None => writeln!(f)?,
            }
            for field in change.fields.iter().filter(|_| !change.created) {
                writeln!(f, "  {}: {} -> {}", field.field, field.from, field.to)?;
            }
        }
        Ok(())
    }
}

/// The fields in which two values differ, by path.
pub(super) fn fields(from: &Value, to: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(String::new(), from, to, &mut found);
    found
}

fn compare(path: String, from: &Value, to: &Value, found: &mut Vec<FieldChange>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let dot = if path.is_empty() { "" } else { "." };
                let none = &Value::Null;
                let (from, to) = (old.get(name).unwrap_or(none), new.get(name).unwrap_or(none));
                compare(format!("{path}{dot}{name}"), from, to, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.iter().chain(new).any(Value::is_object) => {
            for at in 0..old.len().max(new.len()) {
                let none = &Value::Null;
                let (from, to) = (old.get(at).unwrap_or(none), new.get(at).unwrap_or(none));
                compare(format!("{path}[{at}]"), from, to, found);
            }
        }
        (from, to) if from == to => {}
        (from, to) => found.push(FieldChange { field: path, from: from.clone(), to: to.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Difference, fields};
    use serde_json::json;

    #[test]
    fn a_difference_names_each_field_before_and_after() {
        let before =
            json!({"rounds": 2, "countries": ["RU"], "managers": [{"name": "Anna"}, {"name": "Boris"}]});
        let after = json!({"rounds": 3, "countries": ["RU", "KZ"], "managers": [{"name": "Olga"}]});
        let change = Change {
            kind: "site",
            name: "demo".to_owned(),
            version: Some(2),
            created: false,
            fields: fields(&before, &after),
        };
        let difference = Difference { dry_run: false, changes: vec![change] };
        assert_eq!(
            difference.to_string(),
            "site demo: changed, version 2\n  \
             countries: [\"RU\"] -> [\"RU\",\"KZ\"]\n  \
             managers[0].name: \"Anna\" -> \"Olga\"\n  \
             managers[1]: {\"name\":\"Boris\"} -> null\n  \
             rounds: 2 -> 3\n"
        );
        assert_eq!(Difference::default().to_string(), "nothing to change\n");
    }
}
