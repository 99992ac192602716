//! The nouns of threat intelligence, shared by `indicators`, `catalog` and `rules`: an indicator and an import.
use super::{EventCode, Field, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Tag of the Sigma rules that an import makes: hits of such a rule name the values that matched.
pub const TAG: &str = "sysmonsearch.indicators";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$d:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$d])* $variant),* }
        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The word that is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().find(|k| k.as_str() == text).copied()
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| D::Error::custom(format!("'{word}' is no word of the catalog")))
            }
        }
    };
}

words! {
    /// What an indicator's value is.
    Kind {
        /// Name of a file without its folder.
        FileName "file name",
        FilePath "file path",
        /// Folder of a file.
        Folder "folder",
        Md5 "MD5",
        Sha1 "SHA1",
        Sha256 "SHA256",
        Imphash "IMPHASH",
        /// Address at either end of a connection, or resolved from a name.
        Ip "address",
        SourceIp "source address",
        DestinationIp "destination address",
        /// Addresses inside a network.
        Network "network",
        SourcePort "source port",
        DestinationPort "destination port",
        Domain "domain",
        /// Key with or without its hive.
        RegistryKey "registry key",
        /// Key and, where there is one, value name behind it.
        RegistryPath "registry path",
        RegistryValue "registry value",
        RegistryData "registry data",
        /// Image of a process: its path, or the name alone.
        Process "process",
        CommandLine "command line",
        Pipe "pipe",
        /// Several of the others, joined by AND, OR and NOT.
        Composite "composite",
    }
}

words! {
    /// How the value of an event is compared with that of an indicator; always ignoring case.
    Relation {
        Equals "equals",
        Contains "contains",
        StartsWith "starts with",
        EndsWith "ends with",
        /// Regular expression.
        Matches "matches",
    }
}

words! {
    /// Traffic light protocol: to whom an indicator may be passed on.
    Tlp {
        Clear "clear",
        Green "green",
        Amber "amber",
        AmberStrict "amber+strict",
        Red "red",
    }
}

words! {
    /// Format of an imported file.
    Format {
        Stix1 "STIX 1",
        Stix2 "STIX 2",
        OpenIoc "OpenIOC",
        Misp "MISP",
        Csv "CSV",
        List "list",
    }
}

/// One value of a threat report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indicator {
    pub kind: Kind,
    pub relation: Relation,
    /// In normal form: hashes and domains in lower case, addresses canonical. Of a composite its text.
    pub value: String,
    /// Id of the object in the file, or its line.
    pub origin: String,
    pub title: String,
    pub valid_from: Option<Time>,
    /// Events of this time and later do not match any more.
    pub valid_until: Option<Time>,
    pub tlp: Option<Tlp>,
    /// Rule that finds it.
    pub rule_id: String,
}

impl Indicator {
    /// Follows from kind, relation and value: the same indicator in two imports has one id.
    pub fn id(&self) -> String {
        let name = format!("{}\0{}\0{}", self.kind.as_str(), self.relation.as_str(), self.value);
        uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
    }

    /// The value as its rule and the hits of it write it.
    pub fn term(&self) -> String {
        term(self.kind, self.relation, &self.value)
    }
}

/// Namespace of the ids of indicators, imports and their rules; part of the stored form, never to be changed.
pub const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x9c1f_64d2_3b57_5e08_8d6a_f0b7_42c3_1e95);

/// An import of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Follows from the content: the same file again is the same import.
    pub id: String,
    pub name: String,
    pub format: Format,
    pub imported: Time,
    /// Name of the user.
    pub by: String,
    pub indicators: u64,
    pub rules: u64,
    pub issues: u64,
}

/// Fields of an event in which a kind is looked for.
pub const fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::FileName | Kind::FilePath | Kind::Folder => &[Field::TargetFilename, Field::ImageLoaded, Field::Image],
        Kind::Md5 => &[Field::Md5],
        Kind::Sha1 => &[Field::Sha1],
        Kind::Sha256 => &[Field::Sha256],
        Kind::Imphash => &[Field::Imphash],
        Kind::Ip | Kind::Network => &[Field::SourceIp, Field::DestinationIp, Field::ResolvedIp],
        Kind::SourceIp => &[Field::SourceIp],
        Kind::DestinationIp => &[Field::DestinationIp],
        Kind::SourcePort => &[Field::SourcePort],
        Kind::DestinationPort => &[Field::DestinationPort],
        Kind::Domain => &[Field::QueryName, Field::DestinationHostname, Field::SourceHostname],
        // Reports do not keep keys and the values in them apart.
        Kind::RegistryKey => &[Field::RegistryKey, Field::TargetObject],
        Kind::RegistryPath => &[Field::TargetObject, Field::NewName],
        Kind::RegistryValue => &[Field::RegistryValueName],
        Kind::RegistryData => &[Field::Details],
        Kind::Process => &[Field::Image, Field::ParentImage, Field::SourceImage, Field::TargetImage],
        Kind::CommandLine => &[Field::CommandLine, Field::ParentCommandLine],
        Kind::Pipe => &[Field::PipeName],
        Kind::Composite => &[],
    }
}

/// Whether events of a code can carry a kind.
pub fn carries(code: &EventCode, kind: Kind) -> bool {
    let data = |f: &Field| match f {
        Field::Md5 | Field::Sha1 | Field::Sha256 | Field::Imphash => {
            [Field::Hashes, Field::Hash].iter().any(|h| code.fields.contains(h))
        }
        Field::ResolvedIp => code.fields.contains(&Field::QueryResults),
        Field::RegistryKey | Field::RegistryValueName => code.fields.contains(&Field::TargetObject),
        f => code.fields.contains(f),
    };
    fields(kind).iter().any(data)
}

/// How the engine compares: the modifier of the field, and the value.
pub fn comparison(kind: Kind, relation: Relation) -> Relation {
    match (kind, relation) {
        (Kind::FileName, Relation::Equals) => Relation::EndsWith,
        (Kind::FileName, Relation::Contains | Relation::StartsWith) | (Kind::Folder, _) => Relation::Matches,
        (Kind::FileName, Relation::EndsWith) => Relation::EndsWith,
        (_, relation) => relation,
    }
}

/// Whether a regular expression begins with the edge of a text, what is between its edges, and whether it ends with one.
pub fn edges(regex: &str) -> (bool, &str, bool) {
    let (start, inner) = regex.strip_prefix('^').map_or((false, regex), |r| (true, r));
    let escaped = |text: &str| text.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
    match inner.strip_suffix('$').filter(|r| !escaped(r)) {
        Some(inner) => (start, inner, true),
        None => (start, inner, false),
    }
}

/// The value as rules write it, before escaping.
pub fn term(kind: Kind, relation: Relation, value: &str) -> String {
    let literal = regex::escape(value);
    match (kind, relation) {
        (Kind::FileName, Relation::Equals) => format!("\\{value}"),
        (Kind::FileName, Relation::Contains) => format!(r"\\[^\\]*{literal}[^\\]*$"),
        (Kind::FileName, Relation::StartsWith) => format!(r"\\{literal}[^\\]*$"),
        (Kind::FileName, Relation::Matches) => {
            // Its edges are those of the name.
            let (start, name, end) = edges(value);
            let [begins, ends] = [start, end].map(|is| if is { "" } else { r"[^\\]*" });
            format!(r"\\{begins}(?:{name}){ends}$")
        }
        (Kind::Folder, Relation::Equals) => format!(r"^{literal}\\[^\\]*$"),
        (Kind::Folder, Relation::Contains) => format!(r"{literal}.*\\"),
        (Kind::Folder, Relation::StartsWith) => format!(r"^{literal}.*\\"),
        (Kind::Folder, Relation::EndsWith) => format!(r"{literal}\\[^\\]*$"),
        _ => value.to_owned(),
    }
}
