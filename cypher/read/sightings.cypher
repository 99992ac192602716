// What single hosts say of entities that several report.
// params: ids of entities, hosts (null: all); returns id of the entity, host, first, last, inferred, said
UNWIND $ids AS id
MATCH (s:Sighting {entity: id})
WHERE $hosts IS NULL OR s.host IN $hosts
RETURN id, s.host AS host, s.firstSeen AS first, s.lastSeen AS last, s.inferred AS inferred, s.said AS said
