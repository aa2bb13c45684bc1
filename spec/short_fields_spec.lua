-- `pghost load` into columns of short texts goes through COPY's text format, with the bytes that psql's \copy stores.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local function load(table_name, ...)
  local out, err, code = here:pghost("load", "t.csv", "--into", table_name, ...)
  assert.equal(0, code, err)
  return out, err
end

local function psql(sql)
  local out, err, code = pghost.shell(("cd %s && psql -X -q -A -t -v ON_ERROR_STOP=1 -d %s"):format(here.folder,
    pghost.quote(here.dsn)), sql)
  assert.equal(0, code, err)
  return out
end

-- Tables ours and theirs of the same columns; what was said to the server is in `said`.
local function create(columns)
  here.conn:query(("CREATE TABLE ours (%s)"):format(columns))
  here.conn:query(("CREATE TABLE theirs (%s)"):format(columns))
  here.conn:query "CREATE TABLE said (query text)"
  here.conn:query [[CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO public.said SELECT pg_catalog.current_query(); RETURN NULL; END$$]]
  here.conn:query "CREATE TRIGGER note BEFORE INSERT ON ours FOR EACH STATEMENT EXECUTE FUNCTION note()"
end

local function format_used()
  return here:ask("SELECT DISTINCT query FROM said"):match "FORMAT (%w+)"
end

local function assert_same()
  psql "\\copy theirs from t.csv csv header"
  assert.equal("0", here:ask [[SELECT count(*) FROM
    ((TABLE ours EXCEPT ALL TABLE theirs) UNION ALL (TABLE theirs EXCEPT ALL TABLE ours)) AS d]])
  assert.equal(here:ask "SELECT count(*) FROM theirs", here:ask "SELECT count(*) FROM ours")
end

describe("short fields", function()
  fixture.each(function(keep)
    here = keep(project.new {})
  end)

  it("of text are sent as text, byte for byte what psql stores", function()
    create "a text, b text COLLATE \"C\", c varchar(4)"
    local values = { "", '""', "\\N", "\\.", "\\", "\\\\", '"\t"', '"\n"', '"\r"', "\\t", '"a""b"', "é", "😀", "\1",
      "\127", "\b", "\v", "\f", " ", "x", "null" }
    local lines = { "a,b,c" }
    for _, one in ipairs(values) do
      for _, other in ipairs(values) do
        lines[#lines + 1] = one .. "," .. other .. "," .. (one == "" and "q" or one)
      end
    end
    here:write("t.csv", table.concat(lines, "\n") .. "\n")
    load "ours"
    assert.equal("text", format_used())
    assert_same()
  end)

  it("in a database of another encoding, too", function()
    here:write("t.csv", "a,b\n" .. ("é,\\\nß,\"\t\"\n"):rep(50))
    psql "CREATE DATABASE short_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
    local dsn = here.dsn:gsub("dbname=%S+", "dbname=short_latin1")
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "t.csv", "--into", "ours", "--create" },
      { cd = here.folder })
    assert.equal(0, code, err)
    local out = pghost.shell(("psql -X -A -t -d %s -c %s"):format(pghost.quote(dsn),
      pghost.quote "SELECT count(*), encode(convert_to(max(a) || max(b), 'LATIN1'), 'hex') FROM ours"))
    assert.equal("100|e95c\n", out)
  end)

  it("that are longer on average, or of other types, are sent in binary", function()
    create "a text, b text"
    here:write("t.csv", "a,b\n" .. "longer text,longer than six\n")
    load "ours"
    assert.equal("binary", format_used())
    assert_same()
    here.conn:query "DROP TABLE ours, theirs, said"
    here.conn:query "DROP FUNCTION note"
    create "a text, b int"
    here:write("t.csv", "a,b\nx,1\n")
    load "ours"
    assert.equal("binary", format_used())
    assert_same()
  end)

  it("that the server refuses are rejects of their lines", function()
    create "a text CHECK (a <> 'no'), b varchar(2)"
    here.conn:query "DROP TRIGGER note ON ours" -- with one of a statement there are no parts
    here:write("t.csv", "a,b\n" .. "x,y\nno,1\nz,abc\n\\N,\\\n")
    local _, err = load("ours", "--max-rejects", "2", "--rejects", "bad.csv")
    assert.equal("\\N|\\\nx|y", here:ask "SELECT * FROM ours ORDER BY a COLLATE \"C\"")
    assert.match("t.csv:3: ", err, 1, true)
    assert.match("t.csv:4: b: ", err, 1, true)
  end)
end)
