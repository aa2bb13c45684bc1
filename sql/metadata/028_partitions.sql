-- Loads that replace the partitions which their files touch.

ALTER TABLE pghost.files DROP CONSTRAINT files_mode_check;
ALTER TABLE pghost.files ADD CONSTRAINT files_mode_check
  CHECK (mode IN ('replace', 'append', 'merge', 'history', 'partitions'));
