-- Names, values and notices made to do harm (SQL, Lua, formats, terminal escapes, HTML): they are data. Held
-- against the bytes that reach the terminal, the tables, and the history.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn, db, headers

local esc = "\27]0;owned\7\27[31m"

-- What is put in the place of names of files, columns and tables.
local names = {
  esc .. "red",
  "new\nline\rcarriage",
  [[quote'"`$$; drop table precious; --]],
  "%s%n%d%1 ]] \\ \\x00 \\0 ${HOME} $(touch owned) `touch owned`",
  "<script>alert(1)</script>",
  "=cmd|' /C calc'!A0",
  "\u{202e}txt.exe\u{9b}31m\u{200b}",
  "--dsn=host=elsewhere",
  [["); error("owned") --]],
}

local function csv_field(text)
  return '"' .. text:gsub('"', '""') .. '"'
end

local function csv(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    local fields = {}
    for j, field in ipairs(row) do
      fields[j] = csv_field(field)
    end
    lines[i] = table.concat(fields, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function run(words)
  return pghost.run(words, { env = "DATABASE_URL=" .. pghost.quote(dsn), cd = folder })
end

-- Not a byte that a terminal takes for an order, nor a character that turns its text around.
local function assert_harmless(text, what)
  for _, pattern in ipairs { "[%z\1-\9\11-\31\127]", "\u{9b}", "\u{202e}" } do
    local bad = text:find(pattern)
    assert.is_nil(bad, bad and ("%s: %q"):format(what, text:sub(math.max(1, bad - 30), bad + 30)))
  end
end

local function ask(sql, ...)
  return db:query(sql, ...)[1][1]
end

local function assert_nothing_happened()
  assert.equal(1, ask "SELECT count(*) FROM precious")
  assert.is_nil(io.open(folder .. "/owned"))
end

local function columns_of(table_name)
  local list = {}
  for row in db:query([[
      SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attname !~ '^_' AND attrelid = (
        SELECT oid FROM pg_class WHERE relname = $1 AND relnamespace = 'public'::regnamespace
      ) ORDER BY attnum]], table_name):rows() do
    list[#list + 1] = row.attname
  end
  return list
end

local script = [=[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local names, headers = table.unpack((require "names"))
local run <close> = pipeline.start(names[3], { data = "FOLDER/data", parameters = { setting = names[1] } })
local columns = { { "id", r.bigint():required() } }
for _, name in ipairs(headers) do
  columns[#columns + 1] = { name, r.text():length(0, 60) }
end
run:load(names[3], "*.csv", r.table(names[3], columns, { key = "id" }))
run:stage("plain", names[4] .. ".csv")
run.conn:query "SELECT shout()"
run:check { { name = names[1], severity = "warn", sql = 'SELECT * FROM "plain_raw"' } }
run:analyse "sql"
run:publish()
]=]

describe("hostile names and values", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
    db:exec "CREATE TABLE precious (n integer); INSERT INTO precious VALUES (1)"
    db:exec(([[CREATE FUNCTION shout() RETURNS void LANGUAGE plpgsql AS $f$
      BEGIN RAISE WARNING '%s'; RAISE NOTICE '%s'; END $f$]]):format(esc, esc))
    os.execute(("mkdir %s/data %s/sql"):format(folder, folder))
    local header, values, long = { "id" }, { "1" }, { "x" .. esc }
    headers = { "\u{9b}31mred", table.unpack(names, 2) } -- with ESC in its header a file is refused
    for i, name in ipairs(names) do
      header[i + 1], values[i + 1], long[i + 1] = headers[i], name, name
    end
    for i, name in ipairs(names) do
      values[1] = tostring(i)
      pghost.write(("%s/data/%s.csv"):format(folder, (name:gsub("/", "_"))),
        csv { header, values, values, long } .. '"' .. esc .. '"stray,x\n')
    end
    names[4] = (names[4]:gsub("/", "_"))
    local lists = {}
    for i, list in ipairs { names, headers } do
      local quoted = {}
      for j, name in ipairs(list) do
        quoted[j] = ("%q"):format(name)
      end
      lists[i] = "{ " .. table.concat(quoted, ", ") .. " }"
    end
    pghost.write(folder .. "/names.lua", "return { " .. table.concat(lists, ", ") .. " }\n")
    pghost.write(folder .. "/sql/an'swer\27[2J\".sql",
      ('SELECT 1 AS "%s", \'%s\' AS "%s"'):format(names[1], esc, names[3]:gsub('"', '""')))
    pghost.write(folder .. "/job.lua", (script:gsub("FOLDER", folder)))
  end)

  it("are data to a pipeline", function()
    for _, words in ipairs { { "job.lua" }, { "job.lua", "--dry-run" }, { "--log-format", "json", "job.lua" } } do
      local out, err, code = run(words)
      assert.equal(0, code, err)
      assert_harmless(out)
      assert_harmless(err)
    end
    assert_nothing_happened()
    local expected = { "id", table.unpack(headers) }
    assert.same(expected, columns_of(names[3]))
    assert.equal(#names, ask(("SELECT count(*) FROM %s"):format(db:quote_identifier(names[3]))))
    for i, name in ipairs(names) do
      local stored = ask(("SELECT %s FROM %s WHERE id = $1"):format(db:quote_identifier(headers[i]),
        db:quote_identifier(names[3])), i)
      assert.equal(name, stored)
    end
  end)

  it("are in the history as they are, and name their files", function()
    assert.equal(#names, ask("SELECT count(DISTINCT name) FROM pghost.files WHERE run_id = 1 AND table_name = $1",
      names[3]))
    assert.equal(esc .. "red", ask "SELECT config ->> 'setting' FROM pghost.runs WHERE run_id = 1")
    assert.equal(2 * #names, ask([[SELECT count(*) FROM pghost.rejects WHERE run_id = 1 AND table_name = $1
      AND rule <> 'key' AND position(decode('1b5d30', 'hex') IN original) > 0]], names[3]))
  end)

  it("are escapes in what each command shows, as text and as JSON", function()
    local quoted = db:quote_identifier(names[3])
    local all = "SELECT * FROM " .. quoted
    for _, words in ipairs {
      { "runs" }, { "runs", "1" }, { "runs", "--json" }, { "runs", "1", "--json" }, { "rejects", "1" },
      { "rejects", "1", "--json" }, { "checks", "1" }, { "checks", "1", "--json" }, { "report", "1", "--markdown" },
      { "report", "1", "--metrics", "-" }, { "query", all }, { "query", "--json", all }, { "query", "--markdown", all },
      { "query", "--expanded", all }, { "profile", quoted }, { "profile", quoted, "--json" },
      { "profile", folder .. "/data", "--json" }, { "sniff", folder .. "/data" },
      { "sniff", folder .. "/data", "--json" }, { "lint", "job.lua" }, { "lint", "job.lua", "--json" },
      { "purge", "--keep", "1d" },
    } do
      local out, err = run(words)
      local what = table.concat(words, " ")
      assert_harmless(out, what)
      assert_harmless(err, what)
      assert.truthy(#out > 0, what .. err)
    end
    assert_nothing_happened()
  end)

  it("are data to pghost load", function()
    for i, name in ipairs(names) do
      local path = "./data/" .. name:gsub("/", "_") .. ".csv"
      local into = '"t%d ' .. name:gsub('[".]', ""):gsub("%%", "%%%%") .. '"'
      local out, err, code = run { "load", path, "--into", into:format(i), "--create", "--max-rejects", "1",
        "--rejects", "bad.csv", "--force" }
      assert.equal(0, code, err)
      assert_harmless(out)
      assert_harmless(err)
    end
    assert_nothing_happened()
    local out, err, code = run { "load", "./data/" .. names[1] .. ".csv", "--into", "precious" }
    assert.not_equal(0, code)
    assert_harmless(out .. err)
    assert.truthy(err:find("\\x1b", 1, true), err)
  end)

  it("in what went wrong are one harmless line", function()
    local cases = {
      { "load", names[1] .. names[2] .. ".csv", "--into", "precious" },
      { "load", "./data/" .. names[1] .. ".csv", "--into", names[3] },
      { "load", "--" .. names[1] },
      { names[1] },
      { "--" .. esc },
      { "--dsn", "host=/nonexistent user='" .. esc .. "'", "job.lua" },
      { "--dsn", esc, "job.lua" },
      { "job.lua", "--as-of", esc },
      { "job.lua", "--data", names[2] },
      { "job.lua", "--" .. names[2] },
    }
    for _, words in ipairs(cases) do
      local out, err, code = run(words)
      assert.not_equal(0, code)
      assert.equal("", out)
      assert_harmless(err)
    end
  end)

  it("in the errors of scripts and of the server are harmless", function()
    pghost.write(folder .. "/broken.lua", ("error(%q)"):format(esc .. "\u{202e}\u{9b}\xff\xe2\x82|é€😀"))
    pghost.write(folder .. "/server.lua", ([[
      local conn = require("pghost.connection").open()
      conn:query(%q)
    ]]):format(("DO $$ BEGIN RAISE EXCEPTION E'%s\\nmore' USING HINT = '%s'; END $$"):format(esc, esc)))
    for _, name in ipairs { "broken.lua", "server.lua" } do
      local _, err, code = run { name }
      assert.equal(1, code)
      assert_harmless((err:gsub("\t", "")))
      assert.truthy(err:find("\\x1b]0;owned\\x07\\x1b[31m", 1, true), err)
      if name == "broken.lua" then
        assert.truthy(err:find("\\u{202e}\\u{9b}\\xff\\xe2\\x82|é€😀\n", 1, true), err)
      end
    end
  end)

  it("in a table are printed as escapes", function()
    local out = run { "-e", ("require('pghost.lib.print').result(require('pghost.connection').open():query("
      .. "'SELECT $1::text AS x', %q))"):format(esc) }
    assert.truthy(out:find("\\x1b", 1, true))
    assert_harmless(out)
  end)

  it("that cannot be stored are refused", function()
    pghost.write(folder .. "/nul.csv", "id,a\0b\n1,2\n")
    local _, err, code = run { "load", "nul.csv", "--into", "nul", "--create" }
    assert.equal(1, code, err)
    assert_harmless(err)
  end)
end)
