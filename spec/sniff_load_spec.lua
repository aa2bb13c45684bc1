-- Random tables, written in random dialects by Python, some packed, sniffed
-- as `dialect = "auto"` does, and loaded by the
-- engine: what is in the table is what was written, or it is refused as unclear.
--
-- PGHOST_SNIFF_LOADS: how many (40); PGHOST_SNIFF_SEED: the seed.

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local native = require "pghost.native.conn"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local count <const> = tonumber(os.getenv "PGHOST_SNIFF_LOADS" or "40")
local seed <const> = new_seed "PGHOST_SNIFF_SEED"
local most_columns <const> = 12

local function column_names(most)
  local list = {}
  for i = 1, most do
    list[i] = "c" .. i
  end
  return list
end

local create = ("create unlogged table written (%s text, _file_id bigint, _line bigint)")
  :format(table.concat(column_names(most_columns), " text, "))

local function load_file(path, options, conn, file_id)
  local source <close> = assert(csv.open(path, options))
  local columns, map = source:columns(), {}
  if #columns > most_columns then
    return columns
  end
  for i = 1, #columns do
    map[i] = i
  end
  local copy = ("copy written (%s, _file_id, _line) from stdin (format binary)"):format(
    table.concat(column_names(#map), ", "))
  local handle <close> = assert(load.open { workers = 1, raw = { conn = conn, copy = copy } })
  local counts = assert(handle:file(source, { name = path, file_id = file_id, raw_map = map, clean_map = {} }))
  assert(handle:finish())
  return columns, counts
end

-- The rows, an empty cell and NULL alike; in the order of the file.
local function rows_of(conn, file_id, columns)
  local rows = {}
  for row in assert(conn:query("select * from written where _file_id = $1 order by _line", file_id)):rows() do
    local cells = {}
    for i = 1, columns do
      cells[i] = row[i] or ""
    end
    rows[#rows + 1] = table.concat(cells, "\0")
  end
  return table.concat(rows, "\1")
end

local function written_rows(case)
  local rows = {}
  for i, row in ipairs(case.rows) do
    rows[i] = table.concat(row, "\0")
  end
  return table.concat(rows, "\1", case.dialect.header and 2 or 1)
end

-- "right", "unclear", or what is wrong.
local function outcome(path, ending, conn, file_id)
  local case = cjson.decode(pghost.read(path .. ".json"))
  local file, options = { path = path .. ending, name = path }, { dialect = "auto" }
  local clear, problem = pcall(auto_dialect.sniff, options, file, function() end)
  if not clear then
    assert(tostring(problem):find("not clear", 1, true), tostring(problem))
    return "unclear"
  end
  local loaded, columns, counts = pcall(load_file, file.path, auto_dialect.apply({}, file), conn, file_id)
  if not loaded then
    return "refused", tostring(columns)
  elseif not counts or counts.rejected > 0 then
    return "refused", ("%d columns, %s rejected"):format(#columns, counts and counts.rejected)
  elseif auto_dialect.headerless(file) == case.dialect.header then
    return "wrong", case.dialect.header and "the header is data" or "data is the header"
  elseif case.dialect.header and table.concat(columns, "\0") ~= table.concat(case.rows[1], "\0") then
    return "wrong", "the columns are " .. table.concat(columns, "|")
  end
  local same = rows_of(conn, file_id, #columns) == written_rows(case)
  return same and "right" or "wrong", "the cells: " .. cjson.encode(file.dialect)
end

describe("a sniffed load", function()
  it("is what was written, or is refused", function()
    local folder = pghost.folder()
    local conn <close> = assert(native.connect((server.get():database())))
    assert(conn:exec(create))
    local tool = pghost.quote(pghost.root .. "/spec/support/sniff_tables.py")
    local _, err, code = pghost.shell(("python3 %s write %d %d %s"):format(tool, seed, count, folder))
    assert.same({ "", 0 }, { err, code })
    local pack = ("cd %s && ls | grep '[0369]\\.csv$' | xargs gzip -n"):format(folder)
    assert.same({ "", 0 }, { select(2, pghost.shell(pack)) })
    local seen, wrong = { right = 0, unclear = 0, refused = 0, wrong = 0 }, {}
    for i = 1, count do
      local what, detail = outcome(("%s/%d"):format(folder, i),
        tostring(i):find "[0369]$" and ".csv.gz" or ".csv", conn, i)
      seen[what] = seen[what] + 1
      wrong[#wrong + 1] = (what == "wrong" or what == "refused" and os.getenv "PGHOST_SNIFF_LOADS")
        and ("%s: %d: %s"):format(what, i, detail) or nil
    end
    print(("\nsniffed and loaded with seed %d: %d right, %d unclear, %d refused, %d wrong"):format(seed, seen.right,
      seen.unclear, seen.refused, seen.wrong))
    pghost.remove(folder)
    assert.equal(0, seen.wrong, table.concat(wrong, "\n"))
    assert.is_true(seen.right >= count * 0.8, table.concat(wrong, "\n"))
  end)
end)
