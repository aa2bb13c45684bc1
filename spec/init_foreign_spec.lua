-- pghost init over files as strangers have them: each shape that once left its user in doubt, in small.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

local function lines(...)
  return table.concat({ ... }, "\n") .. "\n"
end

local function rules_of(name)
  return project:read(("p/rules/%s.lua"):format(name))
end

-- The project runs without a warning, and its own spec passes.
local function assert_runs()
  local _, log, code = project:pghost("p/pipeline.lua")
  assert.same(0, code, log)
  assert.matches(" 0 warnings", log, 1, true)
  local _, _, spec_code = pghost.run({ "test" }, { cd = project.folder .. "/p" })
  assert.same(0, spec_code)
end

describe("columns", function()
  it("of codes say which zeros or signs a number would lose", function()
    project:write("towns.csv", lines("zip,dial,town", "01067,+49,Dresden", "50667,+49,Köln", "04103,+41,Leipzig"))
    project:init(".", "--into", "p")
    local rules = rules_of("towns")
    assert.matches("not sure: text rather than bigint: digits, 2 of them with leading zeros", rules, 1, true)
    assert.matches("not sure: text rather than bigint: numbers, 3 of them with a plus sign", rules, 1, true)
    assert.matches('\n  %-%- { "zip", r.bigint%(%):required%(%) },\n  { "zip", r.text%(%):required%(%) }', rules)
    assert_runs()
    assert.same("01067", project:ask "select min(zip) from p.towns")
  end)

  it("of 0 and 1 are numbers, with the boolean beside them", function()
    project:write("lands.csv", lines("name,landlocked,area", "Peru,0,1.5", "Chad,1,2.5", "Mali,1,2", "Cuba,0,1"))
    project:init(".", "--into", "p")
    assert.matches('not sure: bigint or boolean: every value is 0 or 1\n'
      .. '  %-%- { "landlocked", r.boolean%(%):required%(%) },\n  { "landlocked", r.bigint%(%):required%(%) }',
      rules_of("lands"))
    assert.is_nil(project:read("p/pipeline.lua"):find("landlocked", 1, true))
    assert_runs()
    assert.same("bigint|2", project:ask [[select min(pg_typeof(landlocked)::text), sum(landlocked) from p.lands]])
    local answer = project:ask "select landlocked, records from p.lands_by_landlocked order by 1"
    assert.same("0|2\n1|2", answer)
  end)

  it("whose missing values are empty quotes have NULL there, and are not required", function()
    project:write("q.csv", lines('"name","short","n"', '"Peru","PE","1"', '"Chad","","2"', '"Mali","ML",""'))
    project:init(".", "--into", "p")
    assert.matches('{ "short", r.text():null_if("") }', rules_of("q"), 1, true)
    assert.matches('{ "name", r.text():required() }', rules_of("q"), 1, true)
    assert_runs()
    assert.same("1|1", project:ask "select count(*) - count(short), count(*) - count(n) from p.q")
  end)

  it("keep empty quotes apart from nothing, where the file does", function()
    project:write("q.csv", lines("name,short,n", 'Peru,"",1', "Chad,,2", "Mali,ML,3"))
    project:init(".", "--into", "p")
    assert.matches('{ "short", r.text() }', rules_of("q"), 1, true)
    assert_runs()
    assert.same("1|1", project:ask [[select count(*) filter (where short is null), count(*) filter (where short = '')
      from p.q]])
  end)
end)

describe("keys and references", function()
  local function numbered(header, count, more)
    local list = { header }
    for i = 1, count do
      list[#list + 1] = ("%d,%s"):format(i, more(i))
    end
    return table.concat(list, "\n") .. "\n"
  end

  it("are not made of records that are only counted", function()
    project:write("grades.csv", numbered("obs,grade", 30, function(i) return i % 4 / 2 end))
    project:write("prices.csv", numbered("obs,price", 12, function(i) return i * 1.5 end))
    local out = project:init(".", "--into", "p")
    assert.is_nil(out:find("refers to", 1, true), out)
    assert_runs()
  end)

  it("are made of the key that two tables share", function()
    project:write("users.csv", numbered("user_id,name", 30, function(i) return "n" .. i end))
    project:write("pictures.csv", numbered("user_id,path", 12, function(i) return i .. ".png" end))
    local out = project:init(".", "--into", "p")
    assert.matches("pictures.user_id refers to users.user_id\n", out, 1, true)
    assert_runs()
  end)

  it("are told of days that all differ, and days refer to no table", function()
    local function day(i) return ("2024-01-%02d"):format(i) end
    local list, other = { "day,rain" }, { "day,wind" }
    for i = 1, 20 do
      list[i + 1], other[i + 1] = day(i) .. "," .. i / 2, day(i) .. "," .. i % 7
    end
    project:write("rain.csv", table.concat(list, "\n") .. "\n")
    project:write("wind.csv", table.concat(other, "\n") .. "\n")
    local out = project:init(".", "--into", "p")
    assert.is_nil(out:find("refers to", 1, true), out)
    assert.matches("not sure: all 20 values of 'day' differ.-\n  %-%- key = \"day\",", rules_of("rain"))
    assert_runs()
  end)
end)

describe("the overview", function()
  it("has earliest and latest only where a table has dates", function()
    project:write("a.csv", lines("x,y", "1,a", "2,b", "3,c"))
    project:init(".", "--into", "p")
    assert.is_nil(project:read("p/sql/analytics/overview.sql"):find("earliest", 1, true))
    assert_runs()
    project:write("b.csv", lines("z,day", "1,2024-01-01", "2,2024-01-03", "3,2024-01-02"))
    pghost.remove(project.folder .. "/p")
    project:init("a.csv", "b.csv", "--into", "p")
    local _, log, code = project:pghost("p/pipeline.lua")
    assert.same(0, code, log)
    assert.same("a||/b|2024-01-01|2024-01-03", (project:ask
      "select table_name, earliest, latest from p.overview order by 1"):gsub("\n", "/"))
  end)
end)

describe("files", function()
  it("with blanks and umlauts in their names, packed and not, are tables in lower case", function()
    project:write("Übersicht der Kunden.csv", lines("kunde_id;name;seit", "1;Müller;01.02.2024", "2;Bär;15.03.2024"))
    project:write("Verkäufe 2024-01.csv", lines("nr,kunde_id,day", "1,1,2024-01-01", "2,2,2024-01-02"))
    project:write("Verkäufe 2024-02.csv", lines("nr,kunde_id,day", "3,1,2024-02-01", "4,2,2024-02-02"))
    pghost.shell(("cd %s && printf 'id,stadt\\n1,Köln\\n2,Bonn\\n' | gzip > Städte.csv.gz"):format(project.folder))
    local out = project:init(".", "--into", "p")
    for _, name in ipairs { "übersicht_der_kunden", "verkäufe", "städte" } do
      assert.matches("\n" .. name .. ": ", "\n" .. out, 1, true)
    end
    assert_runs()
    assert.same("4|2|2", project:ask [[select (select count(*) from p.verkäufe),
      (select count(*) from p.städte), (select count(*) from p.übersicht_der_kunden)]])
  end)

  it("that are empty or have no record yet are named, and nothing is to be given for them", function()
    project:write("a.csv", lines("x,y", "1,a", "2,b", "3,c"))
    project:write("none.csv", "")
    project:write("header.csv", "id,name\n")
    local out, err = project:init(".", "--into", "p")
    assert.matches("left out: none.csv: is empty\n", err, 1, true)
    assert.matches("left out: header.csv: it has no records yet: add it once it has some\n", err, 1, true)
    assert.matches("\nleft out 2 files, see above\n", out, 1, true)
    assert_runs()
  end)

  it("of a zip that are not one table are left out together, and the rest runs", function()
    project:write("a.csv", lines("x,y", "1,a", "2,b", "3,c"))
    project:write("b.csv", lines("z,day", "1,2024-01-01", "2,2024-01-03"))
    project:write("c.csv", "z,day\n")
    pghost.shell(("cd %s && python3 -m zipfile -c two.zip a.csv b.csv && python3 -m zipfile -c late.zip b.csv c.csv "
      .. "&& python3 -m zipfile -c good.zip b.csv && rm b.csv c.csv"):format(project.folder))
    local out, err, code = project:init(".", "--into", "p")
    assert.same(0, code, err)
    assert.matches("left out: two.zip: its files are not one table, and a zip is loaded as a whole: unpack it\n", err,
      1, true)
    assert.matches("left out: late.zip: 'c.csv' in it cannot be loaded (it has no records yet: "
      .. "add it once it has some), and "
      .. "a zip is loaded as a whole: unpack it\n", err, 1, true)
    assert.matches("good: 2 records in 1 file", out, 1, true)
    assert_runs()
  end)
end)

describe("what is left out", function()
  local function commands_of(out)
    local list = {}
    for command in out:gmatch("\n  (pghost init %-%-add [^\n]*)") do
      list[#list + 1] = command:gsub("   # .*", "")
    end
    return list
  end

  -- As a user does: each command is pasted into a shell, in the project's folder.
  local function paste(command)
    return pghost.shell(("cd %s/p && %s %s"):format(project.folder, pghost.quote(pghost.path),
      command:match("^pghost (.*)$")))
  end

  before_each(function()
    project:write("a.csv", lines("x,y", "1,a", "2,b", "3,c"))
    local rows = { "version,name,made,released,eol,later,last" }
    for i = 1, 40 do
      local row = ("1.%d,n%d,2024-01-%02d,2024-02-01"):format(i, i, i % 28 + 1)
      rows[#rows + 1] = row .. (i % 3 == 0 and ",2025-01-01" or i % 3 == 1 and ",2025-01-01,2026-01-01" or "")
    end
    project:write("early ends.csv", table.concat(rows, "\n") .. "\n")
    local meanings = { '"Code","ID","Meaning"' }
    for i = 1, 60 do
      meanings[i + 1] = ('%d,%d,%s'):format(i, i % 7, i == 9 and "caf\xe9" or i % 5 == 0 and '"stake, pole"' or "whity")
    end
    project:write("codes.csv", table.concat(meanings, "\n") .. "\n")
    project:write("one.csv", lines("component,version", "wmo,v28.1", "degrib,v2.25"))
  end)

  it("comes with a command each, which adds it, and takes its comment away", function()
    local out, err = project:init(".", "--into", "p")
    assert.matches("left out: early ends.csv: ", err, 1, true)
    local script = project:read("p/pipeline.lua")
    local commands = commands_of(out)
    assert.same(3, #commands, out)
    for _, command in ipairs(commands) do
      assert.matches(command:match("%-%-add (.*)$"):match("^'?[^']*/([^/' ]+)"), script, 1, true)
      local _, problem, code = paste(command)
      assert.same(0, code, command .. "\n" .. tostring(problem))
    end
    script = project:read("p/pipeline.lua")
    assert.is_nil(script:find("left out", 1, true), script)
    assert.is_nil(script:find("init --add", 1, true), script)
    local _, log, code = project:pghost("p/pipeline.lua")
    assert.same(0, code, log)
    assert.same("40|2|60", project:ask [[select (select count(*) from p.early_ends), (select count(*) from p.one),
      (select count(*) from p.codes)]])
  end)

  it("comes with commands that make the project where no file is clear", function()
    local out, err, code = project:init("early ends.csv", "codes.csv", "--into", "a b/p")
    assert.same(1, code)
    assert.matches("none of the files is clear: nothing is written", err, 1, true)
    local first, second = out:match(
      "^this command makes the project with options for the first file:\n  (.-)   # [^\n]*\n"
      .. "then this one, in its folder:\n  (.-)   # [^\n]*\n$")
    assert.truthy(first, out)
    for _, command in ipairs { first, "cd 'a b/p' && " .. second } do
      local _, problem, made = pghost.shell(("cd %s && PATH=%s:$PATH && %s"):format(project.folder,
        pghost.path:match("^(.*)/"), command))
      assert.same({ "", 0 }, { problem, made }, command)
    end
    local _, log, run_code = project:pghost("a b/p/pipeline.lua")
    assert.same(0, run_code, log)
    assert.same("40|60", project:ask "select (select count(*) from p.early_ends), (select count(*) from p.codes)")
  end)
end)
