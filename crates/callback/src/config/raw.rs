//! callback.toml as it is written: names and TOML types, nothing checked.

use serde::{Deserialize, Serialize};

macro_rules! section {
    ($($name:ident { $($key:ident: $kind:ty,)* })*) => {$(
        #[derive(Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $key: Option<$kind>,)*
        }
    )*};
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) http: Http,
    pub(super) database: Database,
    pub(super) sip: Sip,
    pub(super) media: Media,
    pub(super) limits: Limits,
    pub(super) speech: Speech,
    pub(super) regions: Regions,
    pub(super) mail: Mail,
    pub(super) billing: Billing,
    pub(super) practice: Practice,
    pub(super) trunk: Vec<Trunk>,
}

section! {
    Http {
        listen: String,
        public_url: String,
        metrics_listen: String,
        trusted_proxies: Vec<String>,
    }
    Database {
        url: String,
    }
    Sip {
        listen: Vec<String>,
        advertised: String,
        private_names: bool,
    }
    Media {
        plane: String,
        address: String,
        ports: String,
        advertised: String,
    }
    Limits {
        queue: i64,
        orders_per_ip_10min: i64,
        orders_per_ip_hour: i64,
        countries: Vec<String>,
    }
    Speech {
        voice: String,
        folder: String,
    }
    Regions {
        database: String,
        attribution: String,
    }
    Mail {
        server: String,
        security: String,
        username: String,
        password_file: String,
        password: String,
        from: String,
    }
    Billing {
        currency: String,
        time_zone: String,
        when_out: String,
        warn_s: i64,
        dearest_minute: String,
    }
    Practice {
        enabled: bool,
        listen: String,
    }
    Trunk {
        name: String,
        proxy: String,
        username: String,
        password_file: String,
        password: String,
        register: bool,
        caller_ids: Vec<String>,
        may_send_any_caller_id: bool,
        channels: i64,
        cps: i64,
        prefer: i64,
        number_format: String,
    }
}
