//! What a user may do at a customer (R54).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// A user's part in a company.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Answers calls, and sees his own.
    Manager,
    /// Statistics and texts, no money, and no visitor's whole number.
    Marketer,
    /// Money, and nothing else.
    Accountant,
}

/// Something that a role may or may not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// Knows that the company and its sites are there.
    See,
    /// Sees calls: all, or his own.
    SeeCalls,
    /// Calls visitors again, and writes what became of it.
    AnswerCalls,
    /// Sees settings.
    SeeSettings,
    /// Changes and publishes settings.
    ChangeSettings,
    /// Sees and changes who belongs to the company, and what was done by whom.
    Team,
    /// Sees what is paid and what calls are charged, and pays in.
    Money,
    /// Gives out and erases what is kept of visitors, and says how long it is kept.
    Visitors,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Marketer, Self::Accountant];

    /// Whether it includes a right.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::See => true,
            // A manager's are those that rang at his telephone.
            Right::SeeCalls => self != Self::Accountant,
            Right::AnswerCalls => matches!(self, Self::Owner | Self::Manager),
            Right::SeeSettings => matches!(self, Self::Owner | Self::Marketer),
            Right::ChangeSettings | Right::Team | Right::Visitors => self == Self::Owner,
            Right::Money => matches!(self, Self::Owner | Self::Accountant),
        }
    }

    /// Whether it sees, of all calls, its own alone.
    #[must_use]
    pub fn sees_own_calls(self) -> bool {
        self == Self::Manager
    }

    /// Whether it sees visitors' numbers in full.
    #[must_use]
    pub fn sees_numbers(self) -> bool {
        matches!(self, Self::Owner | Self::Manager)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Marketer => "marketer",
            Self::Accountant => "accountant",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a role is owner, manager, marketer or accountant")]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NotARole)
    }
}
