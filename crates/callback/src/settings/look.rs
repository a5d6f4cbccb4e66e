//! What a site's widget says and how it looks, as it is written and as a draft has it.

use super::{LONGEST_NAME, raw, scenarios};
use crate::door::{Door, Kind};
use callback_core::look::{
    Color, Content, GROUPS, KeywordGroup, LONGEST_TEXT, LONGEST_TITLE, Layout, Look, Place, link,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const LAYOUTS: [(&str, Layout); 5] = [
    ("center", Layout::Center),
    ("corner", Layout::Corner),
    ("side", Layout::Side),
    ("sheet", Layout::Sheet),
    ("bar", Layout::Bar),
];
const PLACES: [(&str, Place); 3] = [("right", Place::Right), ("left", Place::Left), ("none", Place::None)];

/// Reads what the widget says and how it looks.
pub(super) fn look(door: &mut Door, raw: &raw::Site) -> Option<Look> {
    if raw.keyword_group.len() > GROUPS {
        let why = format_args!("{} keyword groups: a site has {GROUPS} at most", raw.keyword_group.len());
        door.too_many("keyword_groups", GROUPS, why);
    }
    let groups = raw.keyword_group.iter().take(GROUPS).enumerate().filter_map(|(at, raw)| {
        let place = format!("keyword group {}", at.saturating_add(1));
        door.inside(place, format!("keyword_groups[{at}]"), |door| group(door, raw))
    });
    let groups = groups.collect();
    let metrica = match raw.metrica {
        None => Some(None),
        Some(counter) => door.number("metrica", Some(counter), 1, 1..=i64::from(u32::MAX)).map(Some),
    };
    let privacy = raw.privacy_url.as_deref().filter(|text| !text.trim().is_empty());
    Some(Look {
        content: door
            .inside(String::from("content"), String::from("content"), |door| content(door, &raw.content)),
        groups,
        label: said(door, "button_label", raw.button_label.as_deref(), LONGEST_TITLE),
        place: door.word("button_place", raw.button_place.as_deref(), &PLACES)?,
        consent: raw.consent,
        consent_text: said(door, "consent_text", raw.consent_text.as_deref(), LONGEST_TEXT),
        privacy_url: privacy.and_then(|text| door.parse_as("url", "privacy_url", text, link)),
        metrica: metrica?,
        analytics: raw.analytics,
        data_layer: raw.data_layer,
    })
}

fn group(door: &mut Door, raw: &raw::KeywordGroup) -> Option<KeywordGroup> {
    let name = door.text("name", &raw.name, LONGEST_NAME);
    if raw.masks.is_empty() {
        door.wrong_as(Kind::plain("required"), "masks", "", "write what is searched for, like *price*");
    }
    let masks = scenarios::masks(door, "masks", &raw.masks);
    Some(KeywordGroup { name: name?.into(), masks, content: content(door, &raw.content) })
}

/// Reads what a dialog says and how it looks; an empty text is as usual.
pub(super) fn content(door: &mut Door, raw: &raw::Content) -> Content {
    let color = raw.color.as_deref().filter(|text| !text.trim().is_empty());
    Content {
        title: said(door, "title", raw.title.as_deref(), LONGEST_TITLE),
        text: said(door, "text", raw.text.as_deref(), LONGEST_TEXT),
        button: said(door, "button", raw.button.as_deref(), LONGEST_TITLE),
        color: color.and_then(|text| door.parse_as("color", "color", text, str::parse::<Color>)),
        layout: raw.layout.as_deref().and_then(|word| door.word("layout", Some(word), &LAYOUTS)),
    }
}

fn said(door: &mut Door, field: &str, given: Option<&str>, longest: usize) -> Option<Arc<str>> {
    let given = given.filter(|text| !text.trim().is_empty())?;
    door.text(field, given, longest).map(Into::into)
}

/// The fields that a draft has of it.
pub(super) fn in_draft(look: &Look, draft: &mut Map<String, Value>) {
    let fields = json!({
        "content": look.content,
        "keyword_groups": look.groups,
        "button_label": look.label,
        "button_place": look.place,
        "consent": look.consent,
        "consent_text": look.consent_text,
        "privacy_url": look.privacy_url,
        "metrica": look.metrica,
        "analytics": look.analytics,
        "data_layer": look.data_layer,
    });
    draft.extend(fields.as_object().cloned().unwrap_or_default());
}
