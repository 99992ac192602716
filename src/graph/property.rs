//! Properties with stamps: what the latest event said wins, whatever the order of arrival.
use super::model::Properties;
use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal,)*) => {
        /// Name of a property of a node or an edge. New names go to the end: the number is stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Prop { $($variant),* }
        impl Prop {
            const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            fn from_number(n: u8) -> Option<Self> {
                Self::ALL.get(usize::from(n)).copied()
            }
        }
    };
}

names! {
    Name "name",
    Pid "pid",
    Image "image",
    CommandLine "commandLine",
    CurrentDirectory "currentDirectory",
    IntegrityLevel "integrityLevel",
    TerminalSessionId "terminalSessionId",
    User "user",
    Guid "processGuid",
    Start "start",
    End "end",
    OriginalFileName "originalFileName",
    Company "company",
    Product "product",
    Description "description",
    FileVersion "fileVersion",
    Tampered "tampered",
    LogonId "logonId",
    LogonGuid "logonGuid",
    Path "path",
    Created "creationUtcTime",
    PreviousCreated "previousCreationUtcTime",
    Timestomp "timestomp",
    IsExecutable "isExecutable",
    Archived "archived",
    Deleted "deleted",
    Blocked "blocked",
    Md5 "md5",
    Sha1 "sha1",
    Sha256 "sha256",
    Imphash "imphash",
    Signed "signed",
    Signature "signature",
    SignatureStatus "signatureStatus",
    Contents "contents",
    ZoneId "zoneId",
    HostUrl "hostUrl",
    ReferrerUrl "referrerUrl",
    Key "key",
    ValueName "valueName",
    Details "details",
    Autorun "autorun",
    Address "address",
    AddressScope "addressScope",
    Anonymous "anonymous",
    Namespace "eventNamespace",
    Query "query",
    Type "type",
    Destination "destination",
    Device "device",
    Session "session",
    ClientInfo "clientInfo",
    Configuration "configuration",
    ConfigurationFileHash "configurationFileHash",
    State "state",
    SysmonVersion "sysmonVersion",
    SchemaVersion "schemaVersion",
    Error "error",
    Driver "driver",
    Protocol "protocol",
    Initiated "initiated",
    GrantedAccess "grantedAccess",
    StartModule "startModule",
    StartFunction "startFunction",
    StartAddress "startAddress",
    QueryStatus "queryStatus",
    NewName "newName",
    Operation "operation",
    Url "url",
    Identity "identity",
}

/// When and by which event a value was said: time, then event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub time: i64,
    pub event: u128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    prop: Prop,
    stamp: Stamp,
    value: Box<str>,
}

/// Values by name, each with the stamp of the latest event that said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamped(Vec<Entry>);

/// A stored blob that this program did not write.
#[derive(Debug)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable properties in the graph store")
    }
}
impl std::error::Error for Corrupt {}

impl Stamped {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the value if it is later than the one known; of equal stamps the greater text, so that the
    /// outcome never depends on order.
    pub fn set(&mut self, prop: Prop, stamp: Stamp, value: &str) {
        match self.0.binary_search_by_key(&prop, |e| e.prop) {
            Ok(i) => {
                let known = &mut self.0[i];
                if (stamp, value) > (known.stamp, &*known.value) {
                    known.stamp = stamp;
                    if *known.value != *value {
                        known.value = value.into();
                    }
                }
            }
            Err(i) => self.0.insert(i, Entry { prop, stamp, value: value.into() }),
        }
    }

    /// Whether anything changed.
    pub fn merge(&mut self, other: Self) -> bool {
        if self.0.is_empty() {
            *self = other;
            return !self.0.is_empty();
        }
        let mut changed = false;
        for e in other.0 {
            match self.0.binary_search_by_key(&e.prop, |k| k.prop) {
                Ok(i) => {
                    let known = &mut self.0[i];
                    if (e.stamp, &e.value) > (known.stamp, &known.value) {
                        *known = e;
                        changed = true;
                    }
                }
                Err(i) => {
                    self.0.insert(i, e);
                    changed = true;
                }
            }
        }
        changed
    }

    pub fn texts(&self) -> Properties {
        self.0.iter().map(|e| (e.prop.as_str().to_owned(), e.value.to_string())).collect()
    }

    /// Stored form: the distinct stamps, then name, number of stamp and text of each value.
    pub fn encode(&self) -> Vec<u8> {
        let mut stamps: Vec<Stamp> = Vec::with_capacity(2);
        let numbers: Vec<usize> = self
            .0
            .iter()
            .map(|e| {
                stamps.iter().position(|s| *s == e.stamp).unwrap_or_else(|| {
                    stamps.push(e.stamp);
                    stamps.len() - 1
                })
            })
            .collect();
        let text: usize = self.0.iter().map(|e| e.value.len() + 5).sum();
        let mut out = Vec::with_capacity(text + stamps.len() * 24 + 2);
        put(&mut out, stamps.len());
        for s in &stamps {
            out.extend_from_slice(&s.time.to_le_bytes());
            out.extend_from_slice(&s.event.to_le_bytes());
        }
        for (e, n) in self.0.iter().zip(numbers) {
            out.push(e.prop as u8);
            put(&mut out, n);
            put(&mut out, e.value.len());
            out.extend_from_slice(e.value.as_bytes());
        }
        out
    }

    /// # Errors
    /// When the bytes are not what [`Self::encode`] makes.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Corrupt> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let input = &mut bytes;
        let count = get(input)?;
        let mut stamps = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let time = i64::from_le_bytes(*take(input)?);
            let event = u128::from_le_bytes(*take(input)?);
            stamps.push(Stamp { time, event });
        }
        let mut entries = Vec::with_capacity(8);
        while !input.is_empty() {
            let [number] = *take::<1>(input)?;
            let prop = Prop::from_number(number).ok_or(Corrupt)?;
            let stamp = *stamps.get(get(input)?).ok_or(Corrupt)?;
            let len = get(input)?;
            let (text, rest) = input.split_at_checked(len).ok_or(Corrupt)?;
            *input = rest;
            let value = std::str::from_utf8(text).map_err(|_| Corrupt)?.into();
            entries.push(Entry { prop, stamp, value });
        }
        Ok(Self(entries))
    }
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn get(input: &mut &[u8]) -> Result<usize, Corrupt> {
    let mut n = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let [b] = *take::<1>(input)?;
        n |= usize::from(b & 0x7f).checked_shl(shift).ok_or(Corrupt)?;
        if b < 0x80 {
            return Ok(n);
        }
    }
    Err(Corrupt)
}

fn take<'a, const N: usize>(input: &mut &'a [u8]) -> Result<&'a [u8; N], Corrupt> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(Corrupt)?;
    *input = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64, event: u128) -> Stamp {
        Stamp { time, event }
    }

    #[test]
    fn the_latest_wins_in_any_order() {
        let said = [(1, 9, "a"), (3, 1, "b"), (3, 2, "a"), (2, 5, "c"), (3, 2, "aa")];
        let mut forward = Stamped::default();
        let mut backward = Stamped::default();
        for (t, e, v) in said {
            forward.set(Prop::Image, at(t, e), v);
        }
        for (t, e, v) in said.iter().rev() {
            let mut one = Stamped::default();
            one.set(Prop::Image, at(*t, *e), v);
            backward.merge(one);
        }
        assert_eq!(forward, backward);
        assert_eq!(forward.texts()["image"], "aa");
    }

    #[test]
    fn stored_form_round_trips_and_refuses_rubbish() {
        let mut p = Stamped::default();
        p.set(Prop::Pid, at(-5, 7), "12");
        p.set(Prop::CommandLine, at(9, 8), &"ü".repeat(300));
        p.set(Prop::Name, at(9, 8), "");
        let bytes = p.encode();
        assert_eq!(Stamped::decode(&bytes).unwrap(), p);
        assert_eq!(Stamped::decode(&[]).unwrap(), Stamped::default());
        for cut in 1..bytes.len() {
            let _ = Stamped::decode(&bytes[..cut]);
        }
        assert!(Stamped::decode(&[1]).is_err());
        assert!(Stamped::decode(&[0, 255, 0, 0]).is_err());
    }
}
