-- Schema version 5 of the catalog: what the text of a rule was before. Gone with the rule.
CREATE TABLE rule_versions (
    number INTEGER PRIMARY KEY,
    rule_id TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    origin TEXT NOT NULL,
    loaded INTEGER NOT NULL
) STRICT;
CREATE INDEX rule_versions_rule ON rule_versions (rule_id, number);
INSERT INTO rule_versions (rule_id, version, title, text, origin, loaded)
    SELECT id, version, title, text, origin, loaded FROM rules;
CREATE TRIGGER rule_came AFTER INSERT ON rules BEGIN
    INSERT INTO rule_versions (rule_id, version, title, text, origin, loaded)
    VALUES (NEW.id, NEW.version, NEW.title, NEW.text, NEW.origin, NEW.loaded);
END;
CREATE TRIGGER rule_changed AFTER UPDATE OF version ON rules WHEN NEW.version IS NOT OLD.version BEGIN
    INSERT INTO rule_versions (rule_id, version, title, text, origin, loaded)
    VALUES (NEW.id, NEW.version, NEW.title, NEW.text, NEW.origin, NEW.loaded);
END;
CREATE TRIGGER rule_went AFTER DELETE ON rules BEGIN
    DELETE FROM rule_versions WHERE rule_id = OLD.id;
END;
