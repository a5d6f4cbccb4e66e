//! Where an address of the network is, by a database of the operator's in MaxMind's format: an estimate. The file may be
//! replaced while the service runs.

use anyhow::{Context as _, Result};
use callback_core::arrival::Place;
use callback_core::site::Language;
use maxminddb::Reader;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// How often it is looked whether the file was replaced.
const LOOKS: Duration = Duration::from_secs(60);
/// The longest name that is kept, in letters.
const LONGEST: usize = 100;

/// A database of regions.
#[derive(Clone, Debug)]
pub struct Regions {
    /// What its licence asks to be said of it; may be empty.
    pub(crate) attribution: Arc<str>,
    file: Arc<Path>,
    read: Arc<RwLock<Arc<Reader<Vec<u8>>>>>,
}

/// What a database has of an address: nested as MaxMind's are, or flat.
#[derive(Deserialize)]
struct Found {
    country: Option<Named>,
    #[serde(default)]
    subdivisions: Vec<Named>,
    city: Option<City>,
    country_code: Option<String>,
    state1: Option<String>,
}

/// Something with names by language.
#[derive(Deserialize)]
struct Named {
    iso_code: Option<String>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum City {
    Flat(String),
    Named(Named),
}

impl Named {
    fn name(&self, language: Language) -> Option<String> {
        let own = match language {
            Language::Ru => "ru",
            Language::En => "en",
        };
        self.names.get(own).or_else(|| self.names.get("en")).cloned()
    }
}

impl Found {
    fn place(self, language: Language) -> Option<Place> {
        let bounded = |name: String| {
            Some(name.chars().take(LONGEST).collect::<String>()).filter(|name| !name.is_empty())
        };
        let region = self.subdivisions.first().and_then(|region| region.name(language)).or(self.state1);
        let city = match self.city {
            Some(City::Flat(name)) => Some(name),
            Some(City::Named(city)) => city.name(language),
            None => None,
        };
        let city = city.map(|name| whole(&name).to_owned());
        Some(Place {
            country: self
                .country
                .and_then(|country| country.iso_code)
                .or(self.country_code)
                .and_then(bounded)?,
            region: region.and_then(bounded),
            city: city.and_then(bounded),
        })
    }
}

/// A city's name without its part: DB-IP has `Moscow (Tsentralnyy administrativnyy okrug)`, and a dozen more Moscows.
fn whole(city: &str) -> &str {
    city.split_once(" (").map_or(city, |(name, _)| name)
}

impl Regions {
    /// Reads a database, and goes on looking whether its file was replaced.
    ///
    /// # Errors
    /// The file cannot be read, or is no database.
    pub async fn open(file: PathBuf, attribution: &str) -> Result<Self> {
        let (reader, written) = read(&file).await?;
        let regions = Self {
            attribution: attribution.into(),
            file: file.into(),
            read: Arc::new(RwLock::new(Arc::new(reader))),
        };
        tokio::spawn(follow(Arc::clone(&regions.file), Arc::downgrade(&regions.read), written));
        Ok(regions)
    }

    /// Where an address is, with names in a language where the database has them; none where it does not know.
    pub(crate) fn place(&self, ip: IpAddr, language: Language) -> Option<Place> {
        let reader = Arc::clone(&self.read.read().unwrap_or_else(PoisonError::into_inner));
        reader.lookup(ip).ok()?.decode::<Found>().ok()??.place(language)
    }
}

async fn read(file: &Path) -> Result<(Reader<Vec<u8>>, SystemTime)> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let written = std::fs::metadata(&path)?.modified()?;
        Ok::<_, anyhow::Error>((Reader::open_readfile(&path)?, written))
    });
    read.await?.with_context(|| format!("regions.database {} cannot be read", file.display()))
}

/// Reads the file again whenever it was replaced; one that cannot be read changes nothing.
async fn follow(
    file: Arc<Path>,
    regions: std::sync::Weak<RwLock<Arc<Reader<Vec<u8>>>>>,
    mut known: SystemTime,
) {
    loop {
        tokio::time::sleep(LOOKS).await;
        let Some(regions) = regions.upgrade() else { return };
        let written = tokio::fs::metadata(&file).await.and_then(|file| file.modified());
        if written.is_ok_and(|written| written == known) {
            continue;
        }
        match read(&file).await {
            Ok((reader, written)) => {
                *regions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(reader);
                known = written;
                tracing::info!(file = %file.display(), "the regions' database was read again");
            }
            Err(error) => tracing::warn!(%error, "the regions' database stays as it was"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Found;
    use callback_core::site::Language;
    use maxminddb::Reader;
    use serde_json::{Value, json};
    use std::net::IpAddr;

    /// Writes a value as MaxMind DB 2.0 has it in its data section.
    fn write(out: &mut Vec<u8>, value: &Value) {
        let control = |out: &mut Vec<u8>, kind: u8, size: usize| {
            let (short, more) = if size < 29 { (size, None) } else { (29, Some(size - 29)) };
            if kind > 7 {
                out.extend([u8::try_from(short).unwrap(), kind - 7]);
            } else {
                out.push(kind << 5 | u8::try_from(short).unwrap());
            }
            out.extend(more.map(|more| u8::try_from(more).unwrap()));
        };
        match value {
            Value::String(text) => {
                control(out, 2, text.len());
                out.extend(text.as_bytes());
            }
            Value::Array(all) => {
                control(out, 11, all.len());
                all.iter().for_each(|one| write(out, one));
            }
            Value::Object(fields) => {
                control(out, 7, fields.len());
                for (name, value) in fields {
                    write(out, &json!(name));
                    match (name.as_str(), value.as_u64().map(u64::to_be_bytes)) {
                        (_, None) => write(out, value),
                        ("node_count", Some(bytes)) => {
                            control(out, 6, 4);
                            out.extend(&bytes[4..]);
                        }
                        ("build_epoch", Some(bytes)) => {
                            control(out, 9, 8);
                            out.extend(bytes);
                        }
                        (_, Some(bytes)) => {
                            control(out, 5, 2);
                            out.extend(&bytes[6..]);
                        }
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => unreachable!("none is written by itself"),
        }
    }

    /// A database of 24-bit records in which the networks 0.0.0.0/1 and 128.0.0.0/1 have a value each.
    fn database(halves: [Value; 2]) -> Vec<u8> {
        let mut data = Vec::new();
        let mut tree = Vec::new();
        for half in &halves {
            // One node, and 16 zero bytes between tree and data (MaxMind DB 2.0).
            let record = u32::try_from(1 + 16 + data.len()).unwrap().to_be_bytes();
            tree.extend(&record[1..]);
            write(&mut data, half);
        }
        let mut file = tree;
        file.extend([0; 16]);
        file.extend(data);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        let about = json!({
            "node_count": 1, "record_size": 24, "ip_version": 4, "database_type": "Test", "languages": ["en"],
            "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "description": {},
        });
        write(&mut file, &about);
        file
    }

    #[test]
    fn both_shapes_of_databases_are_read() {
        let nested = json!({
            "country": { "iso_code": "RU", "names": { "en": "Russia", "ru": "Россия" } },
            "subdivisions": [{ "iso_code": "TUL", "names": { "en": "Tula Oblast", "ru": "Тульская область" } }],
            "city": { "names": { "en": "Tula", "ru": "Тула" } },
        });
        let flat =
            json!({ "country_code": "GB", "state1": "England", "city": "London (City of Westminster)" });
        let reader = Reader::from_source(database([nested, flat])).unwrap();
        let told = |ip: &str, language| {
            let found = reader.lookup(ip.parse::<IpAddr>().unwrap()).unwrap().decode::<Found>().unwrap();
            let place = found.and_then(|found| found.place(language)).unwrap();
            format!("{} {} {}", place.country, place.region.unwrap(), place.city.unwrap())
        };
        assert_eq!(told("5.8.16.1", Language::Ru), "RU Тульская область Тула");
        assert_eq!(told("5.8.16.1", Language::En), "RU Tula Oblast Tula");
        assert_eq!(told("192.0.2.1", Language::Ru), "GB England London", "it has names in no other language");
    }

    /// MaxMind's own database for tests, and addresses of the source that it publishes for it.
    #[test]
    fn known_addresses_are_where_maxmind_says() {
        let file = include_bytes!("../tests/regions/GeoIP2-City-Test.mmdb");
        let reader = Reader::from_source(file.to_vec()).unwrap();
        let check = |ip: &str, language, expected: &str| {
            let found = reader.lookup(ip.parse::<IpAddr>().unwrap()).unwrap().decode::<Found>().unwrap();
            let place = found.and_then(|found| found.place(language));
            let told = place.map_or("nowhere".to_owned(), |place| {
                let name = |name: Option<String>| name.unwrap_or("-".to_owned());
                format!("{} · {} · {}", place.country, name(place.region), name(place.city))
            });
            assert_eq!(told, expected, "{ip}");
        };
        for (ip, en, ru) in [
            ("81.2.69.142", "GB · England · London", "GB · England · Лондон"),
            ("81.2.69.192", "GB · England · London", "GB · England · Лондон"),
            ("2.125.160.216", "GB · England · Boxford", "GB · England · Boxford"),
            ("216.160.83.56", "US · Washington · Milton", "US · Вашингтон · Мильтон"),
            ("216.160.83.64", "US · Washington · -", "US · Вашингтон · -"),
            ("89.160.20.112", "SE · Östergötland County · Linköping", "SE · Östergötland County · Linköping"),
            ("175.16.199.1", "CN · Jilin Sheng · Changchun", "CN · Jilin Sheng · Чанчунь"),
            ("214.0.0.1", "SG · - · Singapore", "SG · - · Сингапур"),
            ("214.78.120.1", "US · California · San Diego", "US · Калифорния · Сан-Диего"),
            ("2001:480:10::1", "US · California · San Diego", "US · Калифорния · Сан-Диего"),
            ("202.196.224.1", "PH · - · -", "PH · - · -"),
            ("67.43.156.1", "BT · - · -", "BT · - · -"),
            ("2001:218::1", "JP · - · -", "JP · - · -"),
            ("2001:250::1", "CN · - · -", "CN · - · -"),
            ("2002:d8a0:5338::1", "US · Washington · Milton", "US · Вашингтон · Мильтон"),
            ("8.8.8.8", "nowhere", "nowhere"),
            ("2001:db8::1", "nowhere", "nowhere"),
        ] {
            check(ip, Language::En, en);
            check(ip, Language::Ru, ru);
        }
    }

    #[test]
    fn what_a_database_does_not_know_is_no_place() {
        let nothing = json!({ "asn": 1 });
        let reader = Reader::from_source(database([nothing, json!({ "city": "Nowhere" })])).unwrap();
        for ip in ["5.8.16.1", "192.0.2.1"] {
            let found = reader.lookup(ip.parse::<IpAddr>().unwrap()).unwrap().decode::<Found>().unwrap();
            assert_eq!(found.and_then(|found| found.place(Language::En)), None, "{ip}");
        }
    }
}
