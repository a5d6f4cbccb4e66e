//! What statistics are asked, and what they answer.

use super::words::{PlannedRow, Telephones};
use crate::ids::{CustomerId, SiteKey};
use callback_core::arrival::Arrival;
use callback_core::id::OrderId;
use callback_core::quarter::Quarter;
use callback_core::record::CallRecord;
use callback_core::time::Ts;

/// Which calls. What is none leaves all in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallFilter {
    /// Whose.
    pub customer: CustomerId,
    /// Ordered at this instant or later.
    pub from: Ts,
    /// Ordered before this one.
    pub until: Ts,
    /// Of one site.
    pub site: Option<SiteKey>,
    /// What became of it: the first keys of [`callback_core::record::Disposition::keys`]; none for all.
    pub dispositions: Vec<&'static str>,
    /// Why.
    pub reason: Option<String>,
    /// What kind of source.
    pub source_kind: Option<String>,
    /// Its name.
    pub source: Option<String>,
    /// The campaign.
    pub campaign: Option<String>,
    /// The keyword; empty for those that were hidden.
    pub keyword: Option<String>,
    /// The page of the order.
    pub page: Option<String>,
    /// The region of the visitor's address; of his number, where that is not known.
    pub region: Option<String>,
    /// With what he came.
    pub device: Option<String>,
    /// Who took the call.
    pub manager: Option<String>,
    /// In one of these quarters of an hour.
    pub quarters: Option<Vec<Quarter>>,
    /// Digits that the visitor's number has in it.
    pub digits: Option<String>,
    /// Those alone whose talk began after what was promised.
    pub is_late: bool,
    /// Those alone that did not come to a talk and wait to be called back.
    pub is_waiting: bool,
    /// Those alone that rang at one of these.
    pub telephones: Option<Telephones>,
}

impl CallFilter {
    /// All calls of a customer.
    #[must_use]
    pub fn all(customer: CustomerId, from: Ts, until: Ts) -> Self {
        Self {
            customer,
            from,
            until,
            site: None,
            dispositions: Vec::new(),
            reason: None,
            source_kind: None,
            source: None,
            campaign: None,
            keyword: None,
            page: None,
            region: None,
            device: None,
            manager: None,
            quarters: None,
            digits: None,
            is_late: false,
            is_waiting: false,
            telephones: None,
        }
    }
}

/// Calls of one kind, counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// All of them.
    pub orders: u64,
    /// Those that were called, or were to be: shares are taken of them.
    pub called: u64,
    /// Those that came to a talk.
    pub connected: u64,
}

/// What became of how many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcomes {
    /// The first key of [`callback_core::record::Disposition::keys`].
    pub disposition: String,
    /// How many.
    pub orders: u64,
    /// Seconds that were talked.
    pub talk_s: u64,
    /// Whose visitor's telephone rang within what was promised.
    pub rang_in_time: u64,
    /// Whose talk began within it.
    pub connected_in_time: u64,
    /// The shortest and the longest promise among them; none where nothing was planned.
    pub promise_ms: Option<(u64, u64)>,
}

/// Talks that began after so many tenths of a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// After how many.
    pub tenths: u64,
    /// Later than was promised.
    pub is_late: bool,
    /// How many.
    pub talks: u64,
}

/// A line of a panel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PanelLine {
    /// The kind of source, in their panel.
    pub kind: Option<String>,
    /// What it is about; none where that is not known.
    pub value: Option<String>,
    /// How many.
    pub count: Count,
}

/// What calls are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Panel {
    /// Kind and name of the source.
    Sources,
    /// The campaign.
    Campaigns,
    /// The keyword.
    Keywords,
    /// The page of the order.
    Pages,
    /// The region of the visitor's address; of his number, where that is not known.
    Regions,
    /// With what he came.
    Devices,
    /// The site, by its key.
    Sites,
}

/// How a manager answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answering {
    /// As the settings named him.
    pub manager: String,
    /// Tries that were his to answer.
    pub tries: u64,
    /// Those that he took.
    pub taken: u64,
    /// From the dial until he picked up, over those that he took, in all.
    pub answered_ms: u64,
    /// Calls that he talked in.
    pub talks: u64,
}

/// In which order calls are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CallOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The longest talk first.
    Talk,
}

/// After which call a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct After {
    /// When it was ordered.
    pub at: Ts,
    /// Which.
    pub order: OrderId,
    /// How long was talked.
    pub talk_s: u32,
}

/// A call of the journal.
#[derive(Clone, PartialEq, Debug)]
pub struct TalliedRow {
    /// The call.
    pub row: PlannedRow,
    /// Where who took the call answers, as [`callback_core::plan::Telephone`] is written.
    pub telephone: Option<String>,
    /// How long they talked.
    pub talk_s: u32,
    /// When somebody called back, or was connected later.
    pub called_back_at: Option<Ts>,
    /// Who said so; none where it was a later call.
    pub called_back_by: Option<String>,
    /// What somebody wrote about it.
    pub note: Option<String>,
    /// What the visitor thought of the talk, 1 to 5.
    pub score: Option<u16>,
}

/// A call of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct ExportRow {
    pub at: Ts,
    pub order: OrderId,
    pub site: String,
    pub phone: String,
    pub disposition: String,
    pub reason: Option<String>,
    pub manager: Option<String>,
    pub telephone: Option<String>,
    pub talk_s: Option<u64>,
    pub connected_ms: Option<u64>,
    pub source_kind: String,
    pub source: Option<String>,
    pub campaign: Option<String>,
    pub keyword: Option<String>,
    pub page: Option<String>,
    pub opened_on: Option<String>,
    pub landing: Option<String>,
    pub referrer: Option<String>,
    pub ip: Option<String>,
    pub device: Option<String>,
    pub arrival: Arrival,
    pub record: Option<CallRecord>,
    pub called_back_at: Option<Ts>,
    pub note: Option<String>,
    pub score: Option<u64>,
}
