-- Schema version 7 of the catalog: what correlations have seen and when they fired. Derived, like hits.
CREATE TABLE correlated_groups (
    grp BLOB PRIMARY KEY,             -- 16 bytes: key of Group
    rule_id TEXT NOT NULL,
    rule_version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX correlated_groups_rule ON correlated_groups (rule_id, rule_version);

CREATE TABLE correlated_seen (
    grp BLOB NOT NULL,
    time INTEGER NOT NULL,
    event_id BLOB NOT NULL,           -- 16 bytes, big endian
    member INTEGER NOT NULL,
    source BLOB NOT NULL,             -- group of the member that fired; empty for a rule
    vals TEXT NOT NULL,               -- JSON: values of each field of the condition
    PRIMARY KEY (grp, time, event_id, member, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE correlated_fired (
    grp BLOB NOT NULL,
    time INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    PRIMARY KEY (grp, time, event_id)
) STRICT, WITHOUT ROWID;
