//! What `/metrics` shows of this moment: how much of everything is in hand. What is not 0 a minute after the last call is
//! a leak.

use super::App;
use crate::clock::wall_now;
use callback_phone::Dropped;
use metrics::{counter, gauge};

/// What is so at this moment.
pub(super) async fn gauges(app: &App) {
    show("callback_running_calls", app.engine.running());
    show("callback_trunks_down", app.engine.trunks_down().len());
    show("callback_orphaned_legs", app.engine.orphans());
    show("callback_watched_orders", app.engine.hub().len());
    show("callback_unwritten", app.store.unwritten());
    let (addresses, streams) = app.flood.load();
    show("callback_http_addresses", addresses);
    gauge!("callback_http_streams").set(f64::from(streams));
    let (open, resting) = app.engine.media().load();
    show("callback_media_legs", open);
    show("callback_media_resting", resting);
    if let Some(load) = app.engine.phone().load().await {
        show("callback_sip_legs", load.legs);
        show("callback_sip_channels", load.channels);
        show("callback_sip_telephones", load.telephones);
        show("callback_sip_transactions", load.transactions);
        show("callback_sip_dialogs", load.dialogs);
        show("callback_sip_timers", load.timers);
    }
    let Dropped { strangers, flood } = app.engine.phone().dropped();
    counter!("callback_sip_dropped_total", "why" => "stranger").absolute(strangers);
    counter!("callback_sip_dropped_total", "why" => "flood").absolute(flood);
    if let Ok(waiting) = app.store.waiting(wall_now()).await {
        show("callback_queue", usize::try_from(waiting).unwrap_or(usize::MAX));
    }
}

fn show(name: &'static str, size: usize) {
    gauge!(name).set(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
}
