-- What is in a history of an earlier version is still there when it has become the newest: of every table, all rows.

local fixture = require "support.old_history"
local project = require "support.project"

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local check = require "pghost.check"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("rich", { data = ".", schema = "public", max_rejects = "90%" })
  run:load("item", "item*.csv", r.table("item", { { "id", r.bigint():required() }, { "name", r.text():trim() } },
    { key = "id" }), { mode = "append" })
  run:check { check.row_count("item", 1), check.not_null("item.name", { severity = "warn" }) }
  run:analyse "analytics"
  run:publish()
]]

local other <const> = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("next", { data = ".", schema = "public" })
  run:load("other", "item2.csv", r.table("other", { { "id", r.bigint():required() }, { "name", r.text() } }))
  run:publish()
]]

describe("a history with everything in it", function()
  local p

  setup(function()
    p = project.new { ["rich.lua"] = script, ["next.lua"] = other }
    os.execute("mkdir " .. p.folder .. "/analytics")
    p:write("analytics/total.sql", "-- How many items are there?\nSELECT count(*) AS items FROM item\n")
    p:write("item1.csv", "id,name\n1, a\nx,b\n2,\ny,c\nz,d\n")
    p:must(0, "-q", "rich.lua")
    p:must(0, "rejects", "1", "--csv", "bad.csv")
    p:write("bad.csv", (p:read("bad.csv"):gsub("\nx,", "\n7,")))
    p:must(0, "fix", "1", "bad.csv")
    p:write("item2.csv", "id,name\n3,c\n")
    p:must(0, "-q", "rich.lua")
    p.conn:exec "ALTER SCHEMA pghost RENAME TO rich"
    p.conn:exec [[
      INSERT INTO rich.told (topic) VALUES ('publication p');
      INSERT INTO rich.check_rows (check_id, row) SELECT min(check_id), '{"id": 2}' FROM rich.checks;
      INSERT INTO rich.taken_in (target_schema, table_name, reject) VALUES ('public', 'item', 'h0');
      INSERT INTO rich.shared_loads (run_id, table_name, step) VALUES (1, 'item', 'load');
      INSERT INTO rich.work (run_id, table_name, step, place, file, plan, file_ids)
        VALUES (1, 'item', 'load', 1, 'item1.csv', '{}', '{1}');
      INSERT INTO rich.profile_parts (run_id, table_name, first_file, file_ids, state)
        VALUES (1, 'item', 1, '{1}', 'x')]]
  end)

  teardown(function()
    p:remove()
  end)

  it("keeps each row of each table", function()
    local count <const> = #fixture.migrations()
    local seen = {}
    for i = 1, count do
      fixture.make(p.conn, i)
      for name, rows in pairs(fixture.fill(p.conn, "rich")) do
        seen[name] = rows
      end
      local err, code = p:run "next.lua"
      assert.equal(0, code, ("%d migrations: %s"):format(i, err))
      assert.same({}, fixture.lost(p.conn), i)
      p.conn:exec "DROP SCHEMA pghost CASCADE; DROP TABLE public.other, public.other_raw"
    end
    for name, rows in pairs(seen) do
      assert.is_true(rows > 0, name .. " has no rows")
    end
  end)
end)
