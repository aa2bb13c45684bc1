-- The ledger of files: what a published table has already is not loaded again, and what is news is loaded.

local modes = require "support.modes"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local shell = server.shell
local keyed, plain, fails = modes.keyed, modes.plain, modes.fails
local world = modes.world()
local write, ask, publish, load, items = world:functions()

describe("the ledger of files", function()
  world:use(setup, teardown, before_each, after_each)

  it("adds new files, and the same bytes only once, under any name", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", { mode = "append" })
    write("b.csv", "id,name,price\n3,three,3\n")
    local log = load("*.csv", { mode = "append" })
    assert.matches("files%s+item%s+1 file left out", log)
    assert.matches("publish%s+item%s+1 added, 0 changed, 0 removed", log)
    write("c.csv", "id,name,price\n3,three,3\n")
    assert.matches("nothing new", load("*.csv", { mode = "append" }))
    assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
    assert.equal("3", ask "SELECT count(*) FROM item_raw")
    assert.equal("1|a.csv|loaded|replace\n2|a.csv|skipped|append\n2|b.csv|loaded|append\n3|a.csv|skipped|append\n"
      .. "3|b.csv|skipped|append\n3|c.csv|skipped|append",
      ask "SELECT run_id, name, state, mode FROM pghost.files ORDER BY run_id, name")
  end)

  it("loads the same bytes again when it is forced to, and where no run published them", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    local rules = r.table("item", { { "id", r.bigint() } })
    load("a.csv", { mode = "append" }, rules)
    load("a.csv", { mode = "append", force = true }, rules)
    assert.equal("1\n1", ask "SELECT id FROM item")
    write("b.csv", "id,name,price\n2,two,2\n")
    fails("stop here", publish, function(run)
      run:load("item", "b.csv", rules, { mode = "append" })
      error("stop here", 0)
    end)
    load("b.csv", { mode = "append" }, rules)
    assert.equal("1\n1\n2", ask "SELECT id FROM item ORDER BY 1")
  end)

  it("says what a changed file needs, and loads the new end of a grown one", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    load("a.csv", { mode = "append" })
    write("a.csv", "id,name,price\n1,one,1\n2,\"two\nlines\",2\n")
    fails("^a.csv: was loaded by run 1 with other content: set the option changed", load, "a.csv",
      { mode = "append" })
    assert.matches("its new end is loaded", load("a.csv", { mode = "append", changed = "tail" }))
    write("a.csv", "id,name,price\n1,one,1\n2,\"two\nlines\",2\n3,three,3\n")
    load("a.csv", { mode = "append", changed = "tail" })
    assert.equal("1|one|1.00\n2|two\nlines|2.00\n3|three|3.00", items())
    assert.equal("1|2\n2|3\n3|5", ask "SELECT id, _line FROM item_raw ORDER BY id")
    assert.equal("1|22\n1|38\n1|48", ask [[
      SELECT f.records, f.size FROM pghost.files AS f WHERE state = 'loaded' ORDER BY file_id]])
    write("a.csv", "id,name,price\n9,nine,1\n2,\"two\nlines\",2\n3,three,3\n4,four,4\n")
    fails("a.csv: is not what run %d+ loaded with records appended", load, "a.csv",
      { mode = "append", changed = "tail" })
    assert.matches("left out", load("a.csv", { mode = "append", changed = "skip" }))
    load("a.csv", { mode = "append", changed = "load" })
    assert.equal("1\n2\n3\n4\n9", ask "SELECT id FROM item ORDER BY id")
  end)

  it("knows the members of a zip by what they hold, however they are packed", function()
    local function zip(name, members)
      for member, text in pairs(members) do
        write(member, text)
      end
      shell(("cd %s && rm -f %s && python3 -m zipfile -c %s a.csv b.csv && rm a.csv b.csv"):format(world.folder, name,
        name))
    end
    zip("one.zip", { ["a.csv"] = "id,name,price\n1,one,1\n", ["b.csv"] = "id,name,price\n2,two,2\n" })
    load("one.zip", { mode = "append" })
    shell(("cp %s/one.zip %s/two.zip"):format(world.folder, world.folder))
    assert.matches("nothing new", load("two.zip", { mode = "append" }))
    zip("one.zip", { ["a.csv"] = "id,name,price\n1,one,1\n", ["b.csv"] = "id,name,price\n3,three,3\n" })
    fails("one.zip/b.csv: was loaded by run 1 with other content", load, "one.zip", { mode = "append" })
    load("one.zip", { mode = "append", changed = "load" })
    assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
  end)

  it("reads a file once, however a load names it", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    shell(("cd %s && mkdir sub && ln -s ../a.csv sub/link.csv && ln a.csv hard.csv"):format(world.folder))
    local log = load({ "a.csv", "./a.csv", "sub/../a.csv", world.folder .. "//a.csv", "sub/link.csv", "hard.csv" }, {},
      plain)
    assert.equal("1", ask "SELECT count(*) FROM item")
    assert.equal(5, select(2, log:gsub("is the same file as '[^']+/a.csv': it is read once", "")))
    write("b.csv", "id,name,price\n1,one,1\n") -- a file of its own: the mode that replaces takes it
    assert.matches("b.csv has the same content as a.csv: its records are loaded twice", load({ "a.csv", "b.csv" }, {},
      plain))
  end)

  it("knows a changed file again, however its path is written", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    load("a.csv", { mode = "append" }, plain)
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    shell("mkdir " .. world.folder .. "/x")
    local relative = shell(("realpath --relative-to=. %s/a.csv"):format(world.folder))
    for _, path in ipairs { "./a.csv", world.folder .. "/x/..//a.csv", shell "pwd" .. "/" .. relative } do
      fails("a.csv: was loaded by run 1 with other content", load, path, { mode = "append" }, plain)
    end
    publish(function(run)
      run.settings.data = ""
      run:load("item", relative, plain, { mode = "append", changed = "tail" })
    end)
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    world.db:query("UPDATE pghost.files SET path = $1", relative) -- as versions before recorded it
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    fails("a.csv: was loaded by run %d+ with other content", load, "a.csv", { mode = "append" }, plain)
  end)

  it("takes the same bytes once also where two pipes of a run bring them", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    local function piped(names)
      for _, name in ipairs { "1.csv", "2.csv" } do
        os.execute(("cd %s && rm -f %s && mkfifo %s && (timeout 20 cat a.csv > %s &)"):format(world.folder, name, name,
          name))
      end
      load(names, { mode = "append" }, plain)
    end
    fails("2.csv: has the same content as '1.csv': the option force loads both", piped, { "1.csv", "2.csv" })
    fails("[12].csv: has the same content as 'a.csv'", piped, { "1.csv", "2.csv", "a.csv" })
    assert.equal("", ask "SELECT to_regclass('item')")
  end)

  it("does not take what was staged alone for loaded", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    write("b.csv", "id,name,price\n2,two,2\n")
    load("a.csv", { mode = "append" })
    publish(function(run)
      run:stage("item", "b.csv", nil, { mode = "append" })
    end)
    fails("b.csv: its content was staged by run 2 into the raw table alone, and is not in 'item'", load, "b.csv",
      { mode = "append" })
    publish(function(run) -- takes all of the raw table
      run:clean("item", keyed, { mode = "merge" })
    end)
    assert.matches("1 file left out", load("b.csv", { mode = "append" }))
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
  end)

  it("sees at the publish that another pipeline has loaded the same file, or has replaced the table", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    write("b.csv", "id,name,price\n2,two,2\n")
    write("c.csv", "id,name,price\n3,three,3\n")
    load("a.csv", { mode = "append" }, plain)
    local function while_other(mode, file)
      return publish(function(run)
        run:load("item", { "b.csv", "c.csv" }, plain, { mode = "append" })
        local other <close> = pipeline.start("other", { data = world.folder }, { arguments = {}, dsn = world.dsn,
          log = { out = shown.sink(), format = "text", quiet = false }, out = shown.sink() })
        other:load("item", file, plain, { mode = mode })
        other:publish()
      end)
    end
    fails("cannot publish 'public.item': 'b.csv' was loaded by run %d+: concurrent change, run the pipeline again",
      while_other, "append", "b.csv")
    fails("cannot publish 'public.item': another run has replaced it: concurrent change, run the pipeline again",
      while_other, "replace", "a.csv")
    assert.equal("1", ask "SELECT id FROM item ORDER BY id")
    load("*.csv", { mode = "append" }, plain)
    assert.equal("1\n2\n3", ask "SELECT id FROM item ORDER BY id")
  end)

  it("brings a table up to date with what a file had before, too", function()
    for _, mode in ipairs { "merge", "history" } do
      for _, price in ipairs { 1, 2, 1 } do
        write("a.csv", "id,name,price\n1,one," .. price .. "\n")
        load("a.csv", { mode = mode })
      end
      assert.equal("1.00", ask("SELECT price FROM item" .. (mode == "history" and " WHERE _valid_to IS NULL" or "")))
      write("b.csv", "id,name,price\n1,one,3\n") -- a.csv stays as it is, and says nothing new
      load("*.csv", { mode = mode })
      assert.matches("2 files left out", load("*.csv", { mode = mode }))
      assert.equal("3.00", ask("SELECT price FROM item" .. (mode == "history" and " WHERE _valid_to IS NULL" or "")))
      world.db:query "DROP TABLE item, item_raw"
      world.db:query "DROP SCHEMA pghost CASCADE"
    end
  end)

  for _, mode in ipairs { "merge", "history" } do
    local function price()
      return ask("SELECT price FROM item" .. (mode == "history" and " WHERE _valid_to IS NULL" or ""))
    end

    it("leaves out a content only while it is the last word, whatever file has it: mode " .. mode, function()
      local texts = { d1 = "id,name,price\n1,one,1\n", d2 = "id,name,price\n1,one,2\n" }
      texts.d3 = texts.d1
      for _, name in ipairs { "d1", "d2", "d3" } do
        write(name .. ".csv", texts[name])
        load("d*.csv", { mode = mode })
      end
      assert.equal("1.00", price())
      assert.matches("3 files left out", load("d*.csv", { mode = mode }))
      write("d4.csv", texts.d1) -- says what the table was told last
      assert.matches("4 files left out", load("d*.csv", { mode = mode }))
      write("d5.csv", texts.d2)
      load("d*.csv", { mode = mode })
      assert.equal("2.00", price())
      assert.matches("5 files left out", load("d*.csv", { mode = mode })) -- d4, too, though it is not the last word now
      assert.equal("2.00", price())
    end)

    it("leaves out no content of one run that is not the last word in it: mode " .. mode, function()
      write("d1.csv", "id,name,price\n1,one,1\n")
      write("d2.csv", "id,name,price\n1,one,2\n")
      write("d3.csv", "id,name,price\n1,one,1\n")
      write("d4.csv", "id,name,price\n1,one,1\n")
      assert.matches("1 file left out", load("d*.csv", { mode = mode }))
      assert.equal("1.00", price())
      assert.equal("d4.csv|d3.csv", ask [[SELECT s.name, f.name FROM pghost.files AS s
        JOIN pghost.files AS f ON f.file_id = s.same_as]])
      assert.matches("4 files left out", load("d*.csv", { mode = mode }))
    end)
  end

  it("takes a changed file that was left out once for changed the next time, too", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    load("a.csv", { mode = "append" })
    write("a.csv", "id,name,price\n2,two,2\n")
    load("a.csv", { mode = "append", changed = "skip" })
    fails("a.csv: was loaded by run 1 with other content", load, "a.csv", { mode = "append" })
    load("a.csv", { mode = "append", changed = "load" })
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
  end)
end)
