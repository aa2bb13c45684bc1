-- Every line of a file is accounted for.

ALTER TABLE pghost.files ADD COLUMN IF NOT EXISTS lines jsonb;

COMMENT ON COLUMN pghost.files.lines IS
  'Its physical lines by kind: {"all": 12, "records": 10, "header": 1, "comments": 1}; besides these preamble, blank, footer, second_table and earlier (loaded before); comment and comment_line are the first comment';
