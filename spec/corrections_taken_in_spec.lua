-- What was corrected in the rejects file of a `pghost load` holds in runs of pipelines, too: in each mode, whatever the
-- file is called then and however it is compressed, and only for its very records.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"
local shown = require "support.shown"

local here

local has = shown.has

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item*", r.table("item", { { "id", r.bigint():required() }, { "day", r.date():required() } },
    { key = { "id", "day" } }), { mode = "%s", max_rejects = "100%%", force = true %s })
  run:publish()
]]

local text = "id,day\n1,2024-01-01\n2,soon\n3,2024-01-03,3\n4,never\n5,2024-02-05\n"

-- Line 3 goes into a month that nothing else is of, line 4 cannot be split, line 5 stays open.
local function correct(contents)
  here:ask "CREATE TABLE item (id bigint, day date)"
  here:write("sent.csv", contents or text)
  here:must(0, "load", "sent.csv", "--into", "item", "--max-rejects", "9", "--rejects", "bad.csv")
  local edited, count = here:read("bad.csv"):gsub("2,soon", "2,2024-03-02")
    :gsub('"3,2024%-01%-03,3"', '"3,2024-01-03"')
  assert.equal(1, count)
  here:write("bad.csv", edited)
  has(here:must(0, "fix", "bad.csv"), "2 corrected, 0 passed as they were, 1 still open")
  here:ask "DROP TABLE item"
end

local function items()
  return here:ask "SELECT id, day FROM item ORDER BY id, day"
end

local function accounts()
  return here:ask [[
    SELECT records, loaded, corrected, rejected,
      records = loaded + corrected + rejected + waived + filtered + duplicates
    FROM pghost.files WHERE table_name = 'item' AND run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY name]]
end

local all = "1|2024-01-01\n2|2024-03-02\n3|2024-01-03\n5|2024-02-05"

-- The same content under other names.
local function put(how)
  if how == "compressed" then
    assert.equal(0, select(3, pghost.shell(("gzip -c %s/sent.csv > %s/item.csv.gz"):format(here.folder, here.folder))))
  else
    assert(os.rename(here.folder .. "/sent.csv", here.folder .. "/item.csv"))
  end
end

describe("corrections of the rejects file of a load, in runs,", function()
  fixture.each(function(keep)
    here = keep(project.new {})
  end)

  local by_month = [[, partition = { by = "month", column = "day" }]]
  local cases = { { "replace", "renamed", "" }, { "append", "compressed", "" }, { "merge", "renamed", "" },
    { "history", "compressed", "" }, { "partitions", "renamed", by_month } }
  for _, case in ipairs(cases) do
    local mode, how, more = table.unpack(case)
    it(("are applied once in mode %s to a file that is %s"):format(mode, how), function()
      correct()
      put(how)
      here:write("shop.lua", script:format(mode, more))
      has(here:must(0, "shop.lua"), "2 rejects corrected before: 2 loaded", "2 loaded, 2 corrected, 1 rejected")
      assert.equal(all, items())
      assert.equal("5|2|2|1|t", accounts())
      here:must(0, "shop.lua") -- the same file once more
      assert.equal(all, items())
      here:write("item_b.csv", "id,day\n2,soon\n8,2024-01-08\n") -- the same record in another file
      here:must(0, "shop.lua")
      assert.equal(all .. "\n8|2024-01-08", items())
    end)
  end

  it("are shown and reverted by the run that applied them", function()
    correct()
    put "renamed"
    here:write("shop.lua", script:format("replace", ""))
    here:must(0, "shop.lua")
    has(select(2, here:must(0, "rejects", "--corrected")), "2 corrected rejects", "item.csv:3: day: not a date 'soon'")
    has(select(2, here:must(0, "rejects", "2", "--revert")), "2 corrections reverted")
    here:must(0, "shop.lua")
    assert.equal("1|2024-01-01\n5|2024-02-05", items())
    assert.equal("5|2|0|3|t", accounts())
  end)

  it("are in the encoding of the file where a record could not be split", function()
    here:ask "CREATE TABLE item (id bigint, day text)"
    here:write("item.csv", "id;day\n1;caf\xe9\n2;\xe9t\xe9;x\n")
    here:must(0, "load", "item.csv", "--into", "item", "--delimiter", ";", "--encoding", "latin1", "--max-rejects", "9",
      "--rejects", "bad.csv")
    local edited, count = here:read("bad.csv"):gsub("2;été;x", "2;été")
    assert.equal(1, count)
    here:write("bad.csv", edited)
    here:must(0, "fix", "bad.csv")
    here:ask "DROP TABLE item"
    local of_file = ', delimiter = ";", encoding = "latin1"'
    here:write("shop.lua", (script:format("replace", of_file):gsub("r.date", "r.text")))
    has(here:must(0, "shop.lua"), "1 loaded, 1 corrected")
    assert.equal("1|café\n2|été", items())
  end)

  it("give way to a later decision, and a later one gives way to them", function()
    correct()
    put "renamed"
    here:write("shop.lua", script:format("replace", ""))
    here:must(0, "shop.lua")
    here:ask [[UPDATE pghost.taken_in SET reverted_at = now() WHERE line = 4]]
    here:must(0, "shop.lua")
    here:must(0, "rejects", "3", "--rule", "fields", "--waive", "no")
    here:ask [[UPDATE pghost.taken_in SET reverted_at = NULL WHERE line = 4]] -- older than the waiver
    here:must(0, "shop.lua")
    assert.equal("1|2024-01-01\n2|2024-03-02\n5|2024-02-05", items())
    here:ask [[UPDATE pghost.taken_in SET made_at = now() WHERE line = 4]]
    here:must(0, "shop.lua")
    assert.equal(all, items())
  end)
end)
