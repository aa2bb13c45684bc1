-- A few cells before and after each cleaning operation, instead of one.

ALTER TABLE pghost.cleaning ADD COLUMN samples jsonb;

UPDATE pghost.cleaning
SET samples = jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('before', sample_before, 'after', sample_after)));

ALTER TABLE pghost.cleaning DROP COLUMN sample_before, DROP COLUMN sample_after;

COMMENT ON COLUMN pghost.cleaning.samples IS
  'Up to three such cells with different texts, [{"before": ..., "after": ...}]; what is missing was or became null';
