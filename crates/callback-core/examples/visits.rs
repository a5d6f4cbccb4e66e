//! Ten thousand visits of dice, and which scenario each comes to: what the page in the browser is held against.
//! Each line is a site with its visits: `{"scenarios": […], "visits": [[facts, [scenario, rule] or null], …]}`.

#![expect(clippy::print_stdout, reason = "another program reads it")]

use callback_core::behaviour::{Compiled, Fact, Facts, Want, decide};
use serde_json::json;

const SITES: u64 = 200;
const VISITS: u64 = 50;
const TEXTS: [&str; 10] =
    ["", "a", "Цена окон", "ЦЕНА", "/shop/cart", "/shop/", "İstanbul", "straße", "ΣΊΣΥΦΟΣ", "a*b"];
const MASKS: [&str; 12] =
    ["*", "", "a", "*цен*", "цена*", "/shop/*", "*/", "*s*t*", "straße", "*φο*", "a*b", "**"];
const NAMES: [&str; 8] = ["source", "keyword", "page", "$plan", "active", "depth", "hour", "mood"];

/// Splitmix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        usize::try_from(self.below(all.len() as u64))
            .ok()
            .and_then(|at| all.get(at).copied())
            .unwrap_or_default()
    }

    fn number(&mut self) -> i64 {
        i64::try_from(self.below(25)).unwrap_or(0)
    }

    fn want(&mut self) -> Want {
        if self.below(2) == 0 {
            let count = self.below(4);
            return Want::Range((0..count.min(2)).map(|_| self.number()).collect());
        }
        let count = 1 + self.below(3);
        Want::Masks((0..count).map(|_| self.one_of(&MASKS).to_owned()).collect())
    }

    fn rule(&mut self) -> Compiled {
        let count = self.below(4);
        (0..count).map(|_| (self.one_of(&NAMES).to_owned(), self.want())).collect()
    }

    fn visit(&mut self) -> Facts {
        let mut facts = Facts::new();
        for name in NAMES {
            match self.below(3) {
                0 => {}
                1 => drop(facts.insert(name.to_owned(), Fact::Number(self.number()))),
                _ => drop(facts.insert(name.to_owned(), Fact::Text(self.one_of(&TEXTS).to_owned()))),
            }
        }
        facts
    }
}

fn main() {
    let mut dice = Dice(7);
    for _ in 0..SITES {
        let count = 1 + dice.below(4);
        let scenarios: Vec<Vec<Compiled>> = (0..count)
            .map(|_| {
                let rules = dice.below(4);
                (0..rules).map(|_| dice.rule()).collect()
            })
            .collect();
        let visits: Vec<_> = (0..VISITS)
            .map(|_| {
                let facts = dice.visit();
                let found = decide(&scenarios, &facts);
                json!([facts, found])
            })
            .collect();
        println!("{}", json!({ "scenarios": scenarios, "visits": visits }));
    }
}
