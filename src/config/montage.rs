//! Montage files: which column is which muscle, and what is known of its sensor. Four ship in the binary.
//!
//! A montage says only what it knows: whatever it leaves out stays as the source described it.

mod field;

use super::Error;
use super::document::{self, Entry, Value};
use crate::emg::{Channel, Kind};
use field::{FIELDS, Field, plain};
use std::path::Path;

/// Montages that ship with the station: name and text.
const SHIPPED: [(&str, &str); 4] = [
    ("casmemg-7", include_str!("../../models/montages/casmemg-7.toml")),
    ("classic-pair", include_str!("../../models/montages/classic-pair.toml")),
    ("fridlund-cacioppo", include_str!("../../models/montages/fridlund-cacioppo.toml")),
    ("paper-8", include_str!("../../models/montages/paper-8.toml")),
];

/// Which sensors sit where, channel by channel.
#[derive(Clone, Debug)]
pub struct Montage {
    /// Its name.
    pub name: String,
    /// One sentence on where it comes from, empty where it does not say.
    pub about: String,
    /// Whether the sites were concluded from data and not stated by whoever placed the sensors.
    pub inferred: bool,
    sites: Vec<Vec<Setting>>,
}

/// A field of a channel and the text it is set to, known to be readable.
type Setting = (&'static Field, String);

impl Montage {
    /// Names of the shipped montages.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The shipped montage of that name, else the file of that path.
    pub fn load(name_or_path: &str) -> Result<Self, Error> {
        let path = Path::new(name_or_path);
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::from_toml(text, &Path::new("models/montages").join(name).with_extension("toml"));
        }
        if !path.exists() && !name_or_path.contains(['/', '.']) {
            return Err(Error::NoMontage { name: name_or_path.to_owned() });
        }
        Self::from_toml(&document::read("montage", path)?, path)
    }

    /// The montage a TOML text holds, said to come from `path`.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Error> {
        let mut montage =
            Self { name: String::new(), about: String::new(), inferred: false, sites: Vec::new() };
        for entry in document::parse(text, path)? {
            match (entry.key.as_str(), &entry.value) {
                ("name", Value::Text(text)) if plain(text) => montage.name.clone_from(text),
                ("about", Value::Text(text)) if plain(text) => montage.about.clone_from(text),
                ("inferred", Value::Text(text)) => {
                    montage.inferred = text.parse().map_err(|_| entry.refuse(path, "`true` or `false`"))?;
                }
                ("channel", Value::List(items)) => {
                    montage.sites = items.iter().map(|item| site(item, path)).collect::<Result<_, _>>()?;
                    montage.check(items, path)?;
                }
                ("name" | "about", _) => {
                    return Err(entry.refuse(path, "a text of 1 to 256 bytes on one line"));
                }
                ("inferred", _) => return Err(entry.refuse(path, "`true` or `false`")),
                ("channel", _) => return Err(entry.refuse(path, "one `[[channel]]` block per sensor")),
                _ => return Err(entry.unknown(path, ["name", "about", "inferred", "channel"].into_iter())),
            }
        }
        for (there, missing) in
            [(!montage.name.is_empty(), "name"), (!montage.sites.is_empty(), "[[channel]]")]
        {
            if !there {
                return Err(Error::Incomplete { path: path.to_owned(), missing });
            }
        }
        Ok(montage)
    }

    /// Its name as recordings store it, saying so where its sites are inferred.
    #[must_use]
    pub fn title(&self) -> String {
        if self.inferred { format!("{} (inferred)", self.name) } else { self.name.clone() }
    }

    /// Its channels as far as the montage alone knows them.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.sites.iter().map(|site| apply(site, Channel::new("", Kind::Raw))).collect()
    }

    /// The channels of a source under this montage, matched by position. Where electrodes sit is the montage's word
    /// alone; what a raw step is worth stays the source's where it knows and the montage gives no scale of its own.
    pub fn overlay(&self, device: &[Channel]) -> Result<Vec<Channel>, Error> {
        if self.sites.len() != device.len() {
            let (sites, device) = (self.sites.len(), device.len());
            return Err(Error::ChannelCount { montage: self.name.clone(), sites, device });
        }
        Ok(self.sites.iter().zip(device).map(|(site, channel)| overlay_one(site, channel)).collect())
    }

    /// What no single field can know: unique names, microvolts with a gain, a time constant of an envelope.
    fn check(&self, items: &[Entry], path: &Path) -> Result<(), Error> {
        let channels = self.channels();
        for (at, (channel, (item, site))) in channels.iter().zip(items.iter().zip(&self.sites)).enumerate() {
            let given = |name: &str| site.iter().any(|(field, _)| field.name == name);
            let refuse = |name: &str, text: &str| {
                let form = FIELDS.iter().find(|field| field.name == name).map_or("", |field| field.form);
                document::refuse(item.origin(path), name, text, form)
            };
            if channel.name.is_empty() || channels[..at].iter().any(|other| other.name == channel.name) {
                return Err(refuse("name", &channel.name));
            }
            if channel.unit == "uV" && !given("gain") {
                return Err(refuse("unit", "uV"));
            }
            if given("sensor-tau-s") && given("kind") && channel.kind != Kind::Envelope {
                return Err(refuse("sensor-tau-s", &channel.sensor_tau_s.to_string()));
            }
        }
        Ok(())
    }
}

/// Reads one `[[channel]]` block.
fn site(item: &Entry, path: &Path) -> Result<Vec<Setting>, Error> {
    let Value::Table(entries) = &item.value else {
        return Err(item.refuse(path, "one `[[channel]]` block per sensor"));
    };
    let mut scratch = Channel::new("", Kind::Raw);
    entries
        .iter()
        .map(|entry| {
            let known = FIELDS.iter().find(|field| field.name == entry.key);
            let field = known.ok_or_else(|| entry.unknown(path, FIELDS.iter().map(|field| field.name)))?;
            let Value::Text(text) = &entry.value else {
                return Err(entry.refuse(path, field.form));
            };
            let printable = !text.chars().any(char::is_control);
            let read = printable.then(|| (field.read)(&mut scratch, text)).flatten();
            read.map(|()| (field, text.clone())).ok_or_else(|| entry.refuse(path, field.form))
        })
        .collect()
}

/// One channel of a source at one site.
fn overlay_one(site: &[Setting], device: &Channel) -> Channel {
    let unplaced = Channel::new("", device.kind);
    let channel = Channel {
        muscle: unplaced.muscle,
        side: unplaced.side,
        action_unit: unplaced.action_unit,
        electrode: unplaced.electrode,
        size_mm: unplaced.size_mm,
        spacing_mm: unplaced.spacing_mm,
        impedance_kohm: unplaced.impedance_kohm,
        position: unplaced.position,
        ..device.clone()
    };
    let calibrated = device.unit != unplaced.unit || (device.scale - unplaced.scale).abs() > 0.0;
    let keeps_unit = calibrated && !site.iter().any(|(field, _)| field.name == "scale");
    let site: Vec<_> =
        site.iter().filter(|(field, _)| !(keeps_unit && field.name == "unit")).cloned().collect();
    apply(&site, channel)
}

/// A channel with the settings of its site. They were read once before, so none is refused here.
fn apply(site: &[Setting], mut channel: Channel) -> Channel {
    for (field, text) in site {
        let read = (field.read)(&mut channel, text);
        debug_assert!(read.is_some(), "a setting that was accepted is accepted again");
    }
    channel
}
