-- Files as people have them, by families and by chance (support/mutated_files.py), read as `--auto` reads them: the
-- table that was written, or refused; never another table. Of 10,000 files with other seeds five are wrong: "Łódź"
-- above lower-case words is taken for a name, and "Customer,Ann Koch" right above names for names of two lines.
--
-- PGHOST_MUTATED: files a family (40); PGHOST_MUTATED_SEED; PGHOST_MUTATED_SHOW: families whose outcomes are printed.

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local pghost = require "support.pghost"

local count <const> = tonumber(os.getenv "PGHOST_MUTATED" or "40")
local seed <const> = os.getenv "PGHOST_MUTATED_SEED" or "1"
local show <const> = os.getenv "PGHOST_MUTATED_SHOW" or ""

local families = { "delimiter", "quoting", "preamble", "footer", "ragged", "one_column", "units", "currencies", "dates",
  "european" }

local function joined(cells, columns)
  local list = {}
  for i = 1, columns or #cells do
    list[i] = cells[i] or ""
  end
  return table.concat(list, "\0")
end

-- The columns and records as a load would have them; "rejects" where it would fail for one.
local function read(path, options)
  local source <close> = assert(csv.open(path, options))
  local columns, rows = source:columns(), {}
  for _, record in source:records() do
    if not record then
      return columns, "rejects"
    end
    rows[#rows + 1] = joined(record, #columns)
  end
  return columns, table.concat(rows, "\1")
end

local function expected_rows(case)
  local rows = {}
  for i, row in ipairs(case.rows) do
    rows[i] = joined(row)
  end
  return table.concat(rows, "\1")
end

-- "right", "refused" or "wrong", and why.
local function outcome(path)
  local case = cjson.decode(pghost.read(path .. ".json"))
  local file = { path = path .. ".csv", name = path }
  local clear, problem = pcall(auto_dialect.sniff, { dialect = "auto", create = true }, file, function() end)
  if not clear then
    return "refused", tostring(problem)
  end
  local opened, columns, rows = pcall(read, file.path, auto_dialect.apply({ header_names = "repair" }, file))
  if not opened or rows == "rejects" then
    return "refused", opened and "rejects" or tostring(columns)
  end
  local header = case.header ~= cjson.null and case.header or nil
  if (header == nil) ~= auto_dialect.headerless(file) then
    return "wrong", header and "the header is data" or "data is the header"
  elseif header and joined(columns) ~= joined(header) then
    return "wrong", "the columns are " .. table.concat(columns, "|")
  elseif rows ~= expected_rows(case) then
    return "wrong", "other cells: " .. cjson.encode(file.dialect.options)
  end
  return "right"
end

describe("a file of the family", function()
  local folder

  setup(function()
    folder = pghost.folder()
    local tool = pghost.quote(pghost.root .. "/spec/support/mutated_files.py")
    local _, err, code = pghost.shell(("python3 %s %s %d %s"):format(tool, seed, count, folder))
    assert.same({ "", 0 }, { err, code })
  end)

  teardown(function()
    if show == "" then
      pghost.remove(folder)
    end
  end)

  for _, family in ipairs(families) do
    it(family .. " is read as it was written, or refused", function()
      local seen, wrong = { right = 0, refused = 0, wrong = 0 }, {}
      for i = 0, count - 1 do
        local path = ("%s/%s_%d"):format(folder, family, i)
        local what, why = outcome(path)
        seen[what] = seen[what] + 1
        if what == "wrong" or what == "refused" and show:find(family, 1, true) then
          wrong[#wrong + 1] = ("%s: %s.csv: %s"):format(what, path, why)
        end
      end
      print(("\n%s: %d right, %d refused, %d wrong"):format(family, seen.right, seen.refused, seen.wrong))
      assert.equal(0, seen.wrong, table.concat(wrong, "\n"))
      if show:find(family, 1, true) then
        print(table.concat(wrong, "\n"))
      end
    end)
  end
end)
