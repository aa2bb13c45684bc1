-- pghost fix whose connection ends at the COMMIT: each correction is in the table once, whatever became of the answer,
-- and a second call takes in what the first did not.

local pghost = require "support.pghost"
local projects = require "support.project"
local proxies = require "support.proxies"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = ".", schema = "public", retries = 0 })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "price", r.numeric() } }%s))
run:publish()
]]

describe("a fix that loses the answer to its COMMIT", function()
  local project

  before_each(function()
    project = projects.new { ["item.csv"] = "id,price\n1,1\n2,two\n3,x\n", ["shop.lua"] = "" }
  end)

  after_each(function()
    proxies.stop()
    project:remove()
  end)

  local function through(mode)
    return (project.dsn:gsub("host=%S+", "host=" .. proxies.start(mode)))
  end

  local function prepare(key)
    project:write("shop.lua", script:format(key))
    project:run "shop.lua"
    project:pghost("rejects", "1", "--csv", "bad.csv")
    project:write("bad.csv", (project:read("bad.csv"):gsub("2,two", "2,2")))
  end

  local function state()
    return project:ask [[SELECT (SELECT string_agg(id::text, ',' ORDER BY id) FROM item),
      (SELECT string_agg(state, ',' ORDER BY reject_id) FROM pghost.rejects WHERE run_id = 1),
      (SELECT count(*) FROM pghost.corrections)]]
  end

  for _, key in ipairs { "", ', { key = "id" }' } do
    local with = key == "" and " without a key" or " with a key"

    it("that the server has committed says so and is not retried" .. with, function()
      prepare(key)
      local _, err, code = pghost.run({ "--dsn", through "lost", "fix", "1", "bad.csv" }, { cd = project.folder })
      assert.equal(0, code, err)
      assert.matches("the server has committed", err)
      assert.matches("1 corrected, 0 passed as they were, 1 still open", err)
      assert.equal("1,2|corrected,open|1", state())
      project:pghost("fix", "1", "bad.csv")
      assert.equal("1,2|corrected,open|1", state())
    end)

    it("which nobody can be asked about, can be run again" .. with, function()
      prepare(key)
      local _, err, code = pghost.run({ "--dsn", through "gone", "fix", "1", "bad.csv" }, { cd = project.folder })
      assert.equal(3, code, err)
      assert.matches("whether run 2 has published is not known", err)
      local _, said, status = project:pghost("fix", "1", "bad.csv")
      assert.equal(0, status, said)
      assert.matches("reject 1 was already corrected by run 2: not loaded", said)
      assert.equal("1,2|corrected,open|1", state())
    end)

    it("which never reached the server, has changed nothing" .. with, function()
      prepare(key)
      local _, err, code = pghost.run({ "--dsn", through "cut", "fix", "1", "bad.csv" }, { cd = project.folder })
      assert.equal(3, code, err)
      assert.equal("1|open,open|0", state())
      local _, said, status = project:pghost("fix", "1", "bad.csv")
      assert.equal(0, status, said)
      assert.equal("1,2|corrected,open|1", state())
    end)
  end
end)
