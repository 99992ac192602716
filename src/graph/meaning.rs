//! What an edge type stands for: the events that make it, and which way cause and effect go along it.
use super::EdgeType;

/// Which way cause and effect go along an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the edge: a process starts a process, writes a file.
    Along,
    /// Against it: a file that is executed or loaded acts on the process.
    Against,
    /// Both ways: two ends of a connection or pipe, names of one address, a content and its copies.
    Both,
    /// Neither: who or where, such as the host of a process. It joins what has nothing to do with each other.
    Neither,
}

impl EdgeType {
    pub const fn flow(self) -> Flow {
        use EdgeType as E;
        match self {
            E::Executed | E::Loaded | E::LoadedDriver | E::RawRead | E::AcceptedFrom => Flow::Against,
            E::HasHash
            | E::Connected
            | E::Named
            | E::TalkedTo
            | E::In
            | E::WroteStream
            | E::FromUrl
            | E::ConnectedPipe
            | E::CreatedPipe
            | E::BoundTo
            | E::Queried
            | E::ResolvedTo
            | E::Cname
            | E::Of
            | E::RefersTo => Flow::Both,
            E::RanAs | E::InSession | E::On | E::SignedBy | E::UsesConfig | E::ClipboardOf => Flow::Neither,
            E::Spawned
            | E::ChangedTime
            | E::CreatedThreadIn
            | E::Accessed
            | E::Created
            | E::CreatedKey
            | E::DeletedKey
            | E::ChangedKey
            | E::CreatedValue
            | E::DeletedValue
            | E::Set
            | E::Renamed
            | E::RenamedTo
            | E::WmiCreated
            | E::WmiModified
            | E::WmiDeleted
            | E::Deleted
            | E::CopiedToClipboard
            | E::Tampered
            | E::BlockedWriteExe
            | E::BlockedShred
            | E::CreatedExe => Flow::Along,
        }
    }

    /// Event codes that make such edges; empty where many do.
    pub const fn codes(self) -> &'static [u32] {
        use EdgeType as E;
        match self {
            E::Spawned | E::Executed => &[1],
            E::RanAs | E::InSession | E::On | E::Of | E::HasHash | E::In => &[],
            E::ChangedTime => &[2],
            E::Connected | E::AcceptedFrom | E::Named | E::TalkedTo => &[3],
            E::LoadedDriver => &[6],
            E::Loaded => &[7],
            E::SignedBy => &[6, 7],
            E::CreatedThreadIn => &[8],
            E::RawRead => &[9],
            E::Accessed => &[10],
            E::Created => &[11],
            E::CreatedKey | E::DeletedKey | E::ChangedKey | E::CreatedValue | E::DeletedValue => &[12],
            E::Set => &[13],
            E::RefersTo => &[13, 20],
            E::Renamed | E::RenamedTo => &[14],
            E::WroteStream | E::FromUrl => &[15],
            E::UsesConfig => &[16],
            E::CreatedPipe => &[17],
            E::ConnectedPipe => &[18],
            E::WmiCreated | E::WmiModified | E::WmiDeleted => &[19, 20],
            E::BoundTo => &[21],
            E::Queried | E::ResolvedTo | E::Cname => &[22],
            E::Deleted => &[23, 26],
            E::CopiedToClipboard | E::ClipboardOf => &[24],
            E::Tampered => &[25],
            E::BlockedWriteExe => &[27],
            E::BlockedShred => &[28],
            E::CreatedExe => &[29],
        }
    }
}
