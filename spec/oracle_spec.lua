-- The whole pipeline against the independent oracle: tables, rejects, analytics, over the sample and
-- over other data, run once and again.

local cjson = require "cjson"
local server = require "support.server"

local shell = server.shell

-- The binary that runs this spec (the shell's parent), so that a sanitizer build tests itself.
local binary = shell "readlink /proc/$PPID/exe"

-- What the pipeline calls what the oracle calls otherwise.
local rule_names = {
  too_few_fields = "fields",
  too_many_fields = "fields",
  stray_quote = "quote",
  unterminated_quote = "quote",
  invalid_utf8 = "encoding",
  nul_byte = "nul",
  carriage_return = "line_end",
  duplicate = "key",
}

-- Rules about more than one column, or about other records: the column named is a matter of taste.
local row_rules = { compare = true, key = true }

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function temporary_folder()
  return shell "mktemp -d /tmp/pghost_oracle.XXXXXX"
end

local function psql(dsn, sql)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(sql, "\n")
  file:close()
  local out = shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(dsn, path))
  os.remove(path)
  return out
end

-- Writes what a query gives, as COPY text, to a file; returns the path.
local function copy_out(dsn, folder, name, query)
  local path = ("%s/%s.txt"):format(folder, name)
  psql(dsn, ("\\copy (%s) to '%s'"):format(query, path))
  return path
end

local function run_pipeline(dsn, data, as_of, options)
  local command = "DATABASE_URL='%s' %s scripts/pipeline.lua --data %s --as-of '%s' %s"
  return shell(command:format(dsn, binary, data, as_of, options or ""))
end

local function ask_oracle(data, as_of, folder, options)
  local command = "python3 -B spec/oracle/bookings.py %s --as-of '%s' --rows %s %s"
  return cjson.decode(shell(command:format(data, as_of, folder, options or "")))
end

-- Equal files, or the first lines that differ.
local function assert_same_file(expected, actual)
  if read(expected) ~= read(actual) then
    assert.equal("", shell(("diff %s %s | head -n 6"):format(expected, actual)))
  end
end

-- The published tables without load metadata, each in one file; returns the name of the folder.
local function published(dsn, report)
  local folder = temporary_folder()
  for name, expected in pairs(report.tables) do
    local columns = table.concat(expected.clean.columns, ", ")
    copy_out(dsn, folder, name, ("select %s from public.%s order by %s"):format(columns, name, expected.clean.order_by))
  end
  copy_out(dsn, folder, "monthly_headcount", "select month, unique_users from public.monthly_headcount order by month")
  copy_out(dsn, folder, "slow_first_booking",
    'select company_name, num_users from public.slow_first_booking order by company_name collate "C"')
  return folder
end

local published_names = { "company", "users", "booking", "monthly_headcount", "slow_first_booking" }

-- In one line, for \copy.
local function raw_query(name, columns)
  return ("select f.name, r._line, r.%s from public.%s_raw r join (select file_id, regexp_replace(path, '^.*/', '') "
    .. 'collate "C" as name from pghost.files) f on f.file_id = r._file_id order by 1, 2'):format(
    table.concat(columns, ", r."), name)
end

local function actual_rejects(dsn, name)
  local out = psql(dsn, ([[
    select regexp_replace(f.path, '^.*/', ''), r.line, r.byte_offset, r.byte_length, coalesce(r.column_name, ''),
      r.rule, encode(r.original, 'hex')
    from pghost.rejects r join pghost.files f using (file_id)
    where r.run_id = (select max(run_id) from pghost.runs) and r.table_name = '%s'
    order by regexp_replace(f.path, '^.*/', '') collate "C", 2]]):format(name))
  local rejects = {}
  for line in out:gmatch("[^\n]+") do
    local file, at, offset, length, column, rule, hex = line:match("^(.-)|(.-)|(.-)|(.-)|(.-)|(.-)|(.*)$")
    local place = ("%s:%s [%s, %s]"):format(file, at, offset, length)
    rejects[#rejects + 1] = { at = place, column = column, rule = rule, hex = hex }
  end
  return rejects
end

local function hex_of(text)
  return (text:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end))
end

-- True when one of the things that are wrong with a record is what the pipeline rejected it for.
local function explains(problems, reject)
  for _, problem in ipairs(problems) do
    local rule = rule_names[problem.rule] or problem.rule
    local column = problem.column ~= cjson.null and problem.column or ""
    if rule == reject.rule and (column == reject.column or row_rules[rule]) then
      return true
    end
  end
  return false
end

local function compare_rejects(dsn, data, name, expected)
  local actual = actual_rejects(dsn, name)
  for i, reject in ipairs(expected) do
    local at = ("%s:%d [%d, %d]"):format(reject.file, reject.line, reject.offset, reject.length)
    assert.equal(at, actual[i] and actual[i].at, "reject " .. i)
  end
  assert.equal(#expected, #actual)
  for i, reject in ipairs(expected) do
    local place = ("%s: %s of %s"):format(actual[i].at, actual[i].rule, actual[i].column)
    assert.is_true(explains(reject.problems, actual[i]), place)
    local bytes = read(data .. "/" .. reject.file):sub(reject.offset + 1, reject.offset + reject.length)
    assert.equal(hex_of(bytes), actual[i].hex, place)
  end
end

local function compare_folders(expected, actual)
  for _, name in ipairs(published_names) do
    assert_same_file(("%s/%s.txt"):format(expected, name), ("%s/%s.txt"):format(actual, name))
  end
end

local function compare_all(dsn, data, as_of)
  local expected = temporary_folder()
  local report = ask_oracle(data, as_of, expected)
  local actual = published(dsn, report)
  compare_folders(expected, actual)
  for name, part in pairs(report.tables) do
    local path = copy_out(dsn, actual, name .. "_raw", raw_query(name, part.clean.columns))
    assert_same_file(("%s/%s_raw.txt"):format(expected, name), path)
    compare_rejects(dsn, data, name, part.rejects)
  end
  shell(("rm -rf %s %s"):format(expected, actual))
  return report
end

local function compare_counts(dsn, report)
  for name, part in pairs(report.tables) do
    local counts = psql(dsn, ([[
      select sum(records), sum(loaded), sum(rejected) + sum(duplicates), sum(filtered) from pghost.files
      where run_id = (select max(run_id) from pghost.runs) and table_name = '%s']]):format(name))
    assert.equal(("%d|%d|%d|0"):format(part.records, part.clean.rows, #part.rejects), counts, name)
  end
  local unknown = psql(dsn, [[
    select severity, violations from pghost.checks
    where run_id = (select max(run_id) from pghost.runs) and name = 'booking.user_id references users']])
  assert.equal(("warn|%d"):format(report.unknown_users), unknown)
end

local function other_data()
  local data = temporary_folder()
  local options = "--seed 42 --bookings 1500 --users 200 --companies 25 --files 4"
  shell(("%s bench/generate.lua --out %s %s"):format(binary, data, options))
  return data
end

describe("the oracle", function()
  it("passes its own tests", function()
    shell "python3 -B -m unittest discover spec/oracle"
  end)

  it("agrees with the generator on what is in the sample", function()
    local folder = temporary_folder()
    local report = ask_oracle("data", "2024-06-30 00:00:00", folder)
    shell("rm -rf " .. folder)
    local manifest = cjson.decode(read "data/manifest.json")
    for name, part in pairs(report.tables) do
      assert.equal(manifest.tables[name].records, part.records)
      assert.equal(manifest.tables[name].loaded, part.clean.rows)
      assert.same(manifest.tables[name].rejects, part.rejects_by_rule)
    end
  end)
end)

describe("the pipeline gives what the oracle computes", function()
  it("for the sample, once and again", function()
    local dsn = server.get():database()
    run_pipeline(dsn, "data", "2024-06-30 00:00:00")
    local report = compare_all(dsn, "data", "2024-06-30 00:00:00")
    compare_counts(dsn, report)
    local first = published(dsn, report)
    run_pipeline(dsn, "data", "2024-06-30 00:00:00")
    local second = published(dsn, report)
    compare_folders(first, second)
    compare_counts(dsn, report)
    shell(("rm -rf %s %s"):format(first, second))
  end)

  it("for other data, with an as-of at the end of a long month", function()
    local data = other_data()
    local dsn = server.get():database()
    local as_of = "2024-08-31 12:34:56"
    run_pipeline(dsn, data, as_of)
    compare_counts(dsn, compare_all(dsn, data, as_of))
    shell("rm -rf " .. data)
  end)

  it("for each answer to the open business questions", function()
    local data = other_data()
    local dsn = server.get():database()
    local as_of = "2024-06-30 00:00:00"
    for _, switch in ipairs {
      { "--leave-out-demo-users no", "--include-demo-users" },
      { "--leave-out-demo-bookings no", "--include-demo-bookings" },
      { "--leave-out-without-created-at no", "--include-no-created-at" },
    } do
      run_pipeline(dsn, data, as_of, switch[1])
      local expected = temporary_folder()
      local actual = published(dsn, ask_oracle(data, as_of, expected, switch[2]))
      compare_folders(expected, actual)
      shell(("rm -rf %s %s"):format(expected, actual))
    end
    shell("rm -rf " .. data)
  end)
end)
