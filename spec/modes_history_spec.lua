-- The history of keys: intervals by the order of publishing, without gaps and without an end before the start.

local modes = require "support.modes"

local keyed = modes.keyed
local world = modes.world()
local write, ask, publish, load = world:functions()

-- Rows that end before they begin, or not where the next one begins.
local wrong = [[
  SELECT count(*) FROM (
    SELECT *, lead(_valid_from) OVER (PARTITION BY id ORDER BY _valid_from) AS next FROM item) AS i
  WHERE _valid_to <= _valid_from OR next < _valid_to OR (next IS NOT NULL AND _valid_to IS NULL)]]

describe("history", function()
  world:use(setup, teardown, before_each, after_each)

  it("keeps every state of a key, without gaps", function()
    local rules, versions, stamps = keyed, {}, {}
    local contents = { { [1] = "a", [2] = "b" }, { [1] = "a", [2] = "c", [3] = "d" }, { [1] = "x", [3] = "d" },
      { [1] = "x", [2] = "c", [3] = "d" } }
    for step, content in ipairs(contents) do
      local lines = { "id,name,price" }
      for id, name in pairs(content) do
        lines[#lines + 1] = ("%d,%s,1"):format(id, name)
      end
      write(step .. ".csv", table.concat(lines, "\n") .. "\n")
      publish(function(run)
        run:load("item", step .. ".csv", rules, { mode = "history", missing = "close" })
        versions[step] = run:query("SELECT count(*) AS n FROM item WHERE _valid_to IS NULL")[1].n
      end)
      stamps[step] = ask "SELECT clock_timestamp()"
    end
    for step, content in ipairs(contents) do
      local expected = {}
      for id = 1, 3 do
        expected[#expected + 1] = content[id] and ("%d|%s"):format(id, content[id]) or nil
      end
      assert.equal(#expected, versions[step])
      assert.equal(table.concat(expected, "\n"), ask(("SELECT id, name FROM item WHERE _valid_from <= '%s' AND "
        .. "(_valid_to IS NULL OR _valid_to > '%s') ORDER BY id"):format(stamps[step], stamps[step])))
    end
    assert.equal("1|2\n2|3\n3|1", ask "SELECT id, count(*) FROM item GROUP BY id ORDER BY id")
  end)

  it("is dated in the order of publishing, not of starting", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    load("a.csv", { mode = "history" })
    write("b.csv", "id,name,price\n1,zwei,1\n")
    write("c.csv", "id,name,price\n1,drei,1\n2,new,1\n")
    local early <close> = world:start "early"
    early:load("item", "b.csv", keyed, { mode = "history" })
    load("c.csv", { mode = "history" })
    early:publish()
    assert.equal("one\ndrei\nzwei", ask "SELECT name FROM item WHERE id = 1 ORDER BY _valid_from")
    assert.equal("0", ask(wrong))
    assert.equal("1|zwei\n2|new", ask "SELECT id, name FROM item WHERE _valid_to IS NULL ORDER BY id")
  end)

  it("goes on after its latest date, whatever the clock says", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", { mode = "history" })
    world.db:query "UPDATE item SET _valid_from = clock_timestamp() + interval '1 hour' WHERE id = 1"
    for step, name in ipairs { "x", "y" } do
      write(step .. ".csv", ("id,name,price\n1,%s,1\n2,%s,2\n"):format(name, name))
      load(step .. ".csv", { mode = "history", missing = "close" })
    end
    assert.equal("0", ask(wrong))
    assert.equal("4", ask "SELECT count(*) FROM item WHERE _valid_from > clock_timestamp() AND name IN ('x', 'y')")
  end)

  it("has one date for all that one run publishes", function()
    local function both(name)
      publish(function(run)
        run:load("item", name, keyed, { mode = "history", missing = "close" })
        run:load("other", name, keyed, { mode = "merge", missing = "mark" })
      end)
    end
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    both "a.csv"
    write("b.csv", "id,name,price\n1,eins,1\n")
    both "b.csv"
    assert.equal("1", ask [[SELECT count(DISTINCT at) FROM (SELECT _valid_to FROM item WHERE _valid_to IS NOT NULL
      UNION ALL SELECT _valid_from FROM item WHERE _valid_to IS NULL
      UNION ALL SELECT _deleted_at FROM other WHERE _deleted_at IS NOT NULL) AS a (at)]])
  end)
end)
