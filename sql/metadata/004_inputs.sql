-- Files that are compressed, members of a zip, and in other encodings than UTF-8.

ALTER TABLE pghost.files
  ADD COLUMN member text,
  ADD COLUMN encoding text,
  ADD COLUMN input_size bigint;

COMMENT ON COLUMN pghost.files.path IS 'Path as opened, - for standard input; of the zip for a member';
COMMENT ON COLUMN pghost.files.size IS 'Bytes read, after decompression';
COMMENT ON COLUMN pghost.files.sha256 IS 'SHA-256 of those bytes, hexadecimal: the same for the same content however it is packed';
COMMENT ON COLUMN pghost.files.member IS 'Name of the file in the zip at path';
COMMENT ON COLUMN pghost.files.encoding IS 'Encoding it was read in: as asked for, by its byte order mark, or guessed';
COMMENT ON COLUMN pghost.files.input_size IS 'Size of the file itself, so before decompression; of a member of a zip as size';
