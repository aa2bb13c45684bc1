-- Values in other spellings ("infinity", "5 Jan 2024", "1.5 days") in pipelines: the clean table holds what the
-- server's cast makes of the raw one, whether both are filled in one pass or the second from the first; checks, rules
-- that compare columns, and profiles see them as what they are.

local r = require "pghost.rules"
local modes = require "support.modes"

local world = modes.world()
local write, ask, publish = world:functions()

local rows = {
  "1,infinity,infinity,2023-07-20 22:02:38 UTC,9:05,on,1.5 days,10/8,\"[2:3]={1,2}\"",
  "2,-infinity,2024-01-02,2024/1/2 9:05 PM +05:30:15,04:05:06.7891234,off,1-2,10.1/16,\"{1,NULL}\"",
  "3,5 Jan 2024,20240102T030405,epoch,12:00 AM,y,3 4:05:06,10.1.2.3/8,\"[0:0]={7}\"",
  "4,2024-01-05 00:00:00,2024-01-02 03:04:05.9999999,\"Thu, 29 Feb 2024 10:00:00 GMT\",23:59:60,fal,1d 2h,::1,{}",
}

local header = "id,day,seen,moment,clock,open,span,host,many\n"

local rules = r.table("item", {
  { "id", r.bigint():required() },
  { "day", r.date() },
  { "seen", r.timestamp() },
  { "moment", r.timestamptz() },
  { "clock", r.time() },
  { "open", r.boolean() },
  { "span", r.interval() },
  { "host", r.inet() },
  { "many", r.type "integer[]" },
})

-- Of the tables of one pipeline: records whose clean value is not the server's cast of the raw one.
local different <const> = [[
  SELECT c.id FROM item AS c JOIN item_raw AS w ON w.id = c.id::text
  WHERE (c.day, c.seen, c.moment, c.clock, c.open, c.span::text, c.host, c.many) IS DISTINCT FROM
    (w.day::date, w.seen::timestamp, w.moment::timestamptz, w.clock::time, w.open::boolean, w.span::interval::text,
      w.host::inet, w.many::integer[]) ORDER BY 1]]

describe("values in other spellings in a pipeline", function()
  world:use(setup, teardown, before_each, after_each)

  for _, way in ipairs { "load", "clean" } do
    it(("are what the server makes of them, by run:%s"):format(way), function()
      write("item.csv", header .. table.concat(rows, "\n") .. "\n")
      world.db:query "SET timezone = 'UTC'"
      publish(function(run)
        if way == "load" then
          run:load("item", "item.csv", rules)
        else
          run:stage("item", "item.csv")
          run:clean("item", rules)
        end
      end)
      assert.equal("4", ask "SELECT count(*) FROM item")
      assert.equal("", ask(different))
    end)
  end

  it("are rejects where a setting, a clock or a zone decides what they mean", function()
    local values = { "1/2/2024", "24-01-05", "today", "2024-01-02 03:04", "02.03.2024" }
    write("item.csv", "id,day\n" .. table.concat(values, "\n"):gsub("[^\n]+", "1,%0") .. "\n6,2024-01-02\n")
    publish(function(run)
      run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "day", r.date() } }), { max_rejects = 9 })
    end)
    assert.equal("6", ask "SELECT id FROM item")
    assert.equal("not a date '1/2/2024'", ask "SELECT reason FROM pghost.rejects ORDER BY line LIMIT 1")
  end)

  it("are compared as moments, before and after all others", function()
    write("item.csv", "id,day,last\n1,2024-01-02,infinity\n2,infinity,2024-01-02\n3,-infinity,5 Jan 2024\n"
      .. "4,infinity,infinity\n5,2023/1/5,2023-01-06\n")
    publish(function(run)
      run:load("item", "item.csv", r.table("item", {
        { "id", r.bigint() },
        { "day", r.date():range("2024-01-01", "infinity") },
        { "last", r.date():range("2 Jan 2024", nil) },
      }, { row = { r.compare("day", "<=", "last") } }), { max_rejects = 9 })
    end)
    assert.equal("1|2024-01-02|infinity\n4|infinity|infinity", ask "SELECT id, day, last FROM item ORDER BY id")
  end)

  it("are in profiles at the ends, and not in histograms", function()
    local lines = { "id,day,seen" }
    for i = 1, 300 do
      lines[#lines + 1] = ("%d,%s,%s"):format(i, i % 100 == 0 and "infinity" or ("2024-%02d-%02d"):format(i % 12 + 1,
        i % 28 + 1), i % 100 == 1 and "-infinity" or ("2024-01-%02d %02d:%02d"):format(i % 28 + 1, i % 24, i % 60))
    end
    write("item.csv", table.concat(lines, "\n") .. "\n")
    publish(function(run)
      run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "day", r.date() },
        { "seen", r.timestamp() } }))
    end)
    assert.equal(ask [[SELECT 'day', min(day)::text, max(day)::text, 297, true FROM item UNION ALL
      SELECT 'seen', min(seen)::text, max(seen)::text, 297, true FROM item ORDER BY 1]], ask [[
      SELECT column_name, least, greatest, sum(n::int), count(*) FILTER (WHERE n::int > 5) > 8
      FROM pghost.profiles, jsonb_array_elements_text(details -> 'histogram') AS n WHERE column_name <> 'id'
      GROUP BY 1, 2, 3 ORDER BY 1]])
  end)
end)
