-- Contents stand in a table of their own; what the view computes is no column.
DROP VIEW overview;
ALTER TABLE exchange DROP COLUMN duration;
ALTER TABLE exchange DROP COLUMN path;
ALTER TABLE exchange DROP COLUMN path_and_query;
ALTER TABLE exchange DROP COLUMN url;
ALTER TABLE exchange RENAME COLUMN request_body TO request_bytes;
ALTER TABLE exchange RENAME COLUMN response_body TO response_bytes;
ALTER TABLE exchange ADD COLUMN request_body INTEGER REFERENCES content;
ALTER TABLE exchange ADD COLUMN response_body INTEGER REFERENCES content;
CREATE TABLE content (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
INSERT INTO content
    SELECT id * 2, request_bytes FROM exchange WHERE request_bytes IS NOT NULL UNION ALL
    SELECT id * 2 + 1, response_bytes FROM exchange WHERE response_bytes IS NOT NULL;
UPDATE exchange SET
    request_body = iif(request_bytes IS NULL, NULL, id * 2),
    response_body = iif(response_bytes IS NULL, NULL, id * 2 + 1);
ALTER TABLE exchange DROP COLUMN request_bytes;
ALTER TABLE exchange DROP COLUMN response_bytes;
