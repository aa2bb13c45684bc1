-- Keys that the table has and the files have not: what counts as missing, and what does not.

local modes = require "support.modes"
local r = require "pghost.rules"

local keyed, fails = modes.keyed, modes.fails
local world = modes.world()
local write, ask, _, load, items = world:functions()

local ways = { { "merge", "delete" }, { "merge", "mark" }, { "history", "close" } }

-- What of `item` is there by the mode's own idea of it.
local function current(missing)
  local where = { delete = "", mark = "WHERE _deleted_at IS NULL", close = "WHERE _valid_to IS NULL" }
  return ask(("SELECT id, name FROM item %s ORDER BY id"):format(where[missing]))
end

describe("what is missing", function()
  world:use(setup, teardown, before_each, after_each)

  for _, way in ipairs(ways) do
    local mode, missing = way[1], way[2]
    local options = { mode = mode, missing = missing, max_rejects = "100%" }

    it(("is no key of a rejected record: %s with %s"):format(mode, missing), function()
      write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
      load("a.csv", options)
      write("b.csv", "id,name,price\n1,one,oops\n2,zwei,2\n")
      local log = world:publish(function(run)
        run:load("item", "b.csv", keyed, options)
        local where = { delete = "", mark = "WHERE _deleted_at IS NULL", close = "WHERE _valid_to IS NULL" }
        assert.equal(2, run:query("SELECT count(*) AS n FROM item " .. where[missing])[1].n)
      end)
      assert.matches("0 added, 1 changed, 1 removed", (log:gsub("1 added, 1 changed, 1 removed",
        "0 added, 1 changed, 1 removed"))) -- history adds the new state
      assert.equal("1|one\n2|zwei", current(missing))
    end)

    it(("ends the load where a rejected record has no key to read: %s with %s"):format(mode, missing), function()
      write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
      load("a.csv", options)
      for record, reason in pairs { ["x1,one,1"] = "id: not a bigint 'x1'", [",one,1"] = "id: ",
        ["1,one"] = "too few fields: 2 of 3", ['"1"x,one,1'] = "quote" } do
        write("b.csv", "id,name,price\n2,two,2\n" .. record .. "\n")
        local problem = fails("^b.csv:3: the key of this rejected record cannot be determined", load, "b.csv", options)
        assert.matches(reason, tostring(problem), 1, true)
        assert.matches("so missing = '" .. missing .. "' might end a row that is not missing: correct it, or load with "
          .. "missing = 'keep'", tostring(problem), 1, true)
        assert.equal("1|one\n2|two", current(missing))
      end
      write("b.csv", "id,name,price\n2,zwei,2\nx1,one,1\n")
      load("b.csv", { mode = mode, max_rejects = "100%" })
      assert.equal("1|one\n2|zwei", current(missing))
    end)

    it(("is told by all files of a snapshot, changed, added or not: %s with %s"):format(mode, missing), function()
      write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
      write("b.csv", "id,name,price\n3,three,3\n")
      load("*.csv", options)
      assert.matches("2 files left out", load("*.csv", options))
      write("b.csv", "id,name,price\n4,four,4\n")
      load("*.csv", options)
      assert.equal("1|one\n2|two\n4|four", current(missing))
      write("c.csv", "id,name,price\n5,five,5\n")
      load("*.csv", options)
      assert.equal("1|one\n2|two\n4|four\n5|five", current(missing))
      assert.matches("3 files left out", load("*.csv", options))
      load("b.csv", options)
      assert.equal("4|four", current(missing))
      load("*.csv", options)
      assert.equal("1|one\n2|two\n4|four\n5|five", current(missing))
    end)
  end

  it("is told anew when the same files come with another answer to it", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", { mode = "merge" })
    write("b.csv", "id,name,price\n2,two,2\n")
    load("b.csv", { mode = "merge" })
    assert.matches("0 added, 0 changed, 1 removed", load("b.csv", { mode = "merge", missing = "delete" }))
    assert.matches("1 file left out", load("b.csv", { mode = "merge", missing = "delete" }))
    assert.equal("2|two|2.00", items())
  end)

  it("is told by rules of the key: operations, several columns, several files, lines and encodings", function()
    local rules = r.table("item", {
      { "id", r.bigint():trim() }, { "part", r.text():trim():lower() }, { "on_day", r.date { format = "DD.MM.YYYY" } },
      { "price", r.numeric(10, 2) },
    }, { key = { "id", "part", "on_day" } })
    local options = { mode = "merge", missing = "delete", max_rejects = "100%", encoding = "latin1" }
    write("a.csv", "id,part,on_day,price\n1,\xe4rger,01.02.2020,1\n2,b,02.02.2020,2\n3,c,03.02.2020,3\n")
    load("a.csv", options, rules)
    write("b.csv", "price,on_day,PART,id\nx,01.02.2020,\xc4RGER , 1 \n1,03.02.2020,c,3\n")
    write("c.csv", "id,part,on_day,price,more\n2,\"B\",02.02.2020,\"a\nb\",more\n")
    load({ "b.csv", "c.csv" }, options, rules)
    assert.equal("1|\u{e4}rger|2020-02-01|1.00\n2|b|2020-02-02|2.00\n3|c|2020-02-03|1.00",
      ask "SELECT id, part, on_day, price FROM item ORDER BY id")
  end)

  it("is told by a function that sets a key from key columns, and by none that needs others", function()
    local function rules(columns)
      return r.table("item", { { "id", r.bigint() }, { "name", r.text() }, { "price", r.numeric(10, 2) } },
        { key = "id", row = { r.set("id", columns, function(id)
          return id + 100
        end) } })
    end
    local options = { mode = "merge", missing = "delete", max_rejects = "100%" }
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", options, rules "id")
    write("b.csv", "id,name,price\n1,one,oops\n2,zwei,2\n")
    fails("table 'item': a row rule sets its key from other columns, so the keys of 1 rejected record cannot be "
      .. "determined", load, "b.csv", options, rules { "id", "name" })
    load("b.csv", options, rules "id")
    assert.equal("101|one|1.00\n102|zwei|2.00", items())
  end)

  it("is told after a clean of the raw table, too", function()
    local options = { mode = "merge", missing = "delete", max_rejects = "100%" }
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    load("a.csv", options)
    write("b.csv", "id,name,price\n1,one,oops\n2,zwei,2\n")
    world:publish(function(run)
      run:stage("item", "b.csv", keyed, options)
      run:clean("item", keyed, options)
    end)
    assert.equal("1|one|1.00\n2|zwei|2.00", items())
  end)

  it("does not depend on how many records were rejected", function()
    local options = { mode = "merge", missing = "delete", max_rejects = "100%" }
    local good, bad = { "id,name,price" }, { "id,name,price" }
    for id = 1, 20000 do
      good[#good + 1] = id .. ",name,1"
      bad[#bad + 1] = id .. (id % 2 == 0 and ",name,oops" or ",name,2")
    end
    write("a.csv", table.concat(good, "\n") .. "\n")
    load("a.csv", options)
    bad[#bad] = nil
    write("b.csv", table.concat(bad, "\n") .. "\n")
    assert.matches("0 added, 10000 changed, 1 removed", (load("b.csv", options):gsub("(%d),(%d)", "%1%2")))
    assert.equal("1|9999\n2|10000", ask "SELECT price::int, count(*) FROM item GROUP BY 1 ORDER BY 1")
    assert.equal("item\nitem_raw", ask [[SELECT relname FROM pg_class
      WHERE relkind = 'r' AND relname LIKE '%item%' ORDER BY 1]])
  end)
end)
