-- Loads that add to what is published: append, merge, history, and the ledger of files that makes them
-- idempotent. What is expected comes from a model in plain Lua.

local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local shell = server.shell
local folder, dsn, db

local keyed = r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text() },
  { "price", r.numeric(10, 2) },
}, { key = "id" })

local plain = r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text() },
  { "price", r.numeric(10, 2) },
})

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

local function ask(sql)
  return shown.text(db, sql)
end

-- Runs fn(run) and publishes; returns the log, or raises what ended it.
local function publish(fn, config)
  local out = shown.sink()
  config = config or {}
  config.data = folder
  local run <close> = pipeline.start("modes", config, {
    arguments = {}, dsn = dsn, log = { out = out, format = "text", quiet = false }, out = shown.sink(),
  })
  fn(run)
  run:publish()
  return out.text
end

local function load(spec, options, rules)
  return publish(function(run)
    run:load("item", spec, rules or keyed, options)
  end)
end

local function fails(pattern, fn, ...)
  local good, problem = pcall(fn, ...)
  assert.is_false(good)
  assert.matches(pattern, tostring(problem))
end

local function items()
  return ask "SELECT id, name, price FROM item ORDER BY id"
end

describe("the modes of a load", function()
  setup(function()
    dsn = server.get():database()
    db = connection.open { dsn = dsn }
  end)

  teardown(function()
    db:close()
  end)

  before_each(function()
    folder = shell "mktemp -d /tmp/pghost_modes.XXXXXX"
    db:query "DROP SCHEMA public CASCADE"
    db:query "CREATE SCHEMA public"
    db:query "DROP SCHEMA IF EXISTS pghost CASCADE"
  end)

  after_each(function()
    shell("rm -rf " .. folder)
  end)

  describe("append", function()
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

    it("rejects records whose key is published, and shows checks and analytics the whole table", function()
      write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
      load("a.csv", { mode = "append" })
      write("b.csv", "id,name,price\n2,again,9\n3,three,3\n3,thrice,4\n")
      local log = publish(function(run)
        run:load("item", "b.csv", keyed, { mode = "append" })
        assert.equal(3, run:query("SELECT count(*) AS n FROM item")[1].n)
        assert.equal(5, run:query("SELECT count(*) AS n FROM item_raw")[1].n)
        assert.equal("1|one\n2|two", ask "SELECT id, name FROM item ORDER BY id") -- others see the old one
      end)
      assert.matches("2 duplicates of id rejected, what was there stays", log)
      assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
      assert.equal("2|duplicate of id '2' in the published table\n4|duplicate of id '3' at b.csv:3",
        ask "SELECT line, reason FROM pghost.rejects ORDER BY line")
      assert.equal("3|1|2", ask "SELECT records, loaded, duplicates FROM pghost.files WHERE name = 'b.csv'")
    end)

    it("keeps what others added to the published table, and adds raw columns that files bring", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      load("a.csv", { mode = "append" })
      db:exec "CREATE VIEW cheap AS SELECT id FROM item WHERE price < 5; CREATE INDEX ON item (name)"
      local before = ask "SELECT 'item'::regclass::oid"
      write("b.csv", "id,name,price,color\n2,two,2,red\n")
      load("b.csv", { mode = "append" })
      assert.equal(before, ask "SELECT 'item'::regclass::oid")
      assert.equal("1\n2", ask "SELECT id FROM cheap ORDER BY id")
      assert.equal("1|\n2|red", ask "SELECT id, color FROM item_raw ORDER BY id")
    end)

    it("says what a changed file needs, and loads the new end of a grown one", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      load("a.csv", { mode = "append" })
      write("a.csv", "id,name,price\n1,one,1\n2,\"two\nlines\",2\n")
      fails("^a.csv: was loaded by run 1 with other content: say with the option changed", load, "a.csv",
        { mode = "append" })
      assert.matches("its new end is loaded", load("a.csv", { mode = "append", changed = "tail" }))
      write("a.csv", "id,name,price\n1,one,1\n2,\"two\nlines\",2\n3,three,3\n")
      load("a.csv", { mode = "append", changed = "tail" })
      assert.equal("1|one|1.00\n2|two\nlines|2.00\n3|three|3.00", items())
      assert.equal("1|2\n2|3\n3|5", ask "SELECT id, _line FROM item_raw ORDER BY id")
      assert.equal("1|22\n1|38\n1|48", ask [[
        SELECT f.records, f.size FROM pghost.files AS f WHERE state = 'loaded' ORDER BY file_id]])
      write("a.csv", "id,name,price\n9,nine,1\n2,\"two\nlines\",2\n3,three,3\n4,four,4\n")
      fails("a.csv: is not what run %d+ loaded with more behind it", load, "a.csv",
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
        shell(("cd %s && rm -f %s && python3 -m zipfile -c %s a.csv b.csv && rm a.csv b.csv"):format(folder, name,
          name))
      end
      zip("one.zip", { ["a.csv"] = "id,name,price\n1,one,1\n", ["b.csv"] = "id,name,price\n2,two,2\n" })
      load("one.zip", { mode = "append" })
      shell(("cp %s/one.zip %s/two.zip"):format(folder, folder))
      assert.matches("nothing new", load("two.zip", { mode = "append" }))
      zip("one.zip", { ["a.csv"] = "id,name,price\n1,one,1\n", ["b.csv"] = "id,name,price\n3,three,3\n" })
      fails("one.zip/b.csv: was loaded by run 1 with other content", load, "one.zip", { mode = "append" })
      load("one.zip", { mode = "append", changed = "load" })
      assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
    end)

    it("refuses a published table with other columns", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      load("a.csv", { mode = "append" })
      write("b.csv", "id,name,price\n2,two,2\n")
      fails("table 'public.item' has 'price' as numeric%(10,2%), the rules as bigint: alter it", load, "b.csv",
        { mode = "append" }, r.table("item", { { "id", r.bigint() }, { "price", r.bigint() } }))
      write("c.csv", "id,more\n2,3\n")
      fails("table 'public.item' has no column 'more'", load, "c.csv",
        { mode = "append" }, r.table("item", { { "id", r.bigint() }, { "more", r.bigint() } }))
    end)

    it("works for stage and clean as for load", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      local function both(name)
        publish(function(run)
          run:stage("item", name, keyed, { mode = "append" })
          run:clean("item", keyed, { mode = "append" })
        end)
      end
      both "a.csv"
      write("b.csv", "id,name,price\n2,two,2\n")
      both "b.csv"
      assert.equal("1|one|1.00\n2|two|2.00", items())
      assert.equal("2", ask "SELECT count(*) FROM item_raw")
      fails("nothing new in 'item_raw'", publish, function(run)
        run:clean("item", keyed, { mode = "append" })
      end)
    end)

    it("takes a foreign key to a table that the same run replaces", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      write("u1.csv", "uid\n1\n")
      local users = r.table("users", { { "uid", r.bigint():required() } }, { key = "uid" })
      local function both(items_file, users_file)
        publish(function(run)
          run:load("users", users_file, users)
          run:load("item", items_file, keyed, { mode = "append" })
        end)
      end
      both("a.csv", "u1.csv")
      db:exec "ALTER TABLE item ADD FOREIGN KEY (id) REFERENCES users"
      write("b.csv", "id,name,price\n2,two,2\n")
      write("u2.csv", "uid\n1\n2\n")
      both("b.csv", "u2.csv")
      assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    end)
  end)

  describe("misuse", function()
    it("is refused before anything is loaded", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      fails("mode must be one of 'append', 'history', 'merge', 'replace', got 'upsert'", load, "a.csv",
        { mode = "upsert" })
      fails("missing must be one of 'delete', 'keep', 'mark' in mode 'merge', got 'close'", load, "a.csv",
        { mode = "merge", missing = "close" })
      fails("mode 'merge' needs a key", load, "a.csv", { mode = "merge" }, r.table("item", { { "id", r.bigint() } }))
      assert.equal("0", ask "SELECT count(*) FROM pghost.files")
    end)
  end)

  -- The model: what each mode makes of a sequence of files.

  local model = {}

  function model.append(state, records)
    for _, record in ipairs(records) do
      state[record.id] = state[record.id] or record
    end
  end

  function model.merge(state, records, missing)
    local seen = {}
    for _, record in ipairs(records) do
      seen[record.id] = record
    end
    for id, record in pairs(seen) do
      state[id] = record
    end
    for id in pairs(missing == "delete" and state or {}) do
      if not seen[id] then
        state[id] = nil
      end
    end
  end

  local function random_records(random, count)
    local records = {}
    for i = 1, count do
      local id = random(1, 30)
      records[i] = { id = id, name = random(1, 4) == 1 and "" or "name " .. random(1, 3), price = random(1, 3) }
    end
    return records
  end

  local function csv_of(records)
    local lines = { "id,name,price" }
    for _, record in ipairs(records) do
      lines[#lines + 1] = ("%d,%s,%d"):format(record.id, record.name, record.price)
    end
    return table.concat(lines, "\n") .. "\n"
  end

  local function text_of(state)
    local ids, lines = {}, {}
    for id in pairs(state) do
      ids[#ids + 1] = id
    end
    table.sort(ids)
    for i, id in ipairs(ids) do
      lines[i] = ("%d|%s|%d.00"):format(id, state[id].name, state[id].price)
    end
    return table.concat(lines, "\n")
  end

  for _, case in ipairs { { "append" }, { "merge" }, { "merge", "delete" } } do
    local mode, missing = case[1], case[2]
    it(("%s%s does what the model does, whatever comes, and once"):format(mode, missing and " with " .. missing or ""),
      function()
        local seed = os.time()
        math.randomseed(seed)
        local state = {}
        for step = 1, 6 do
          local records = random_records(math.random, math.random(1, 25))
          write(step .. ".csv", csv_of(records))
          model[mode](state, records, missing)
          load(step .. ".csv", { mode = mode, missing = missing })
          assert.equal(text_of(state), items(), "seed " .. seed .. " step " .. step)
          assert.matches("nothing new", load(step .. ".csv", { mode = mode, missing = missing }))
          assert.equal(text_of(state), items(), "seed " .. seed .. " again at step " .. step)
        end
      end)
  end

  it("merge counts what it changed, and marks what is missing", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    load("a.csv", { mode = "merge", missing = "mark" })
    write("b.csv", "id,name,price\n1,one,1\n2,zwei,2\n4,four,4\n")
    local log = publish(function(run)
      run:load("item", "b.csv", keyed, { mode = "merge", missing = "mark" })
      assert.equal(1, run:query("SELECT count(*) AS n FROM item WHERE _deleted_at = :run_started")[1].n)
    end)
    assert.matches("publish%s+item%s+1 added, 1 changed, 1 removed", log)
    assert.equal("1|one|t\n2|zwei|t\n3|three|f\n4|four|t",
      ask "SELECT id, name, _deleted_at IS NULL FROM item ORDER BY id")
    write("c.csv", "id,name,price\n1,one,1\n2,zwei,2\n3,three,3\n4,four,4\n")
    load("c.csv", { mode = "merge", missing = "mark" })
    assert.equal("4", ask "SELECT count(*) FROM item WHERE _deleted_at IS NULL")
  end)

  it("history keeps every state of a key, without gaps", function()
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
        stamps[step] = run.started
        versions[step] = run:query("SELECT count(*) AS n FROM item WHERE _valid_to IS NULL")[1].n
      end)
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

  it("reads a file once, however a load names it", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    shell(("cd %s && mkdir sub && ln -s ../a.csv sub/link.csv && ln a.csv hard.csv"):format(folder))
    local log = load({ "a.csv", "./a.csv", "sub/../a.csv", folder .. "//a.csv", "sub/link.csv", "hard.csv" }, {},
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
    shell("mkdir " .. folder .. "/x")
    local relative = shell(("realpath --relative-to=. %s/a.csv"):format(folder))
    for _, path in ipairs { "./a.csv", folder .. "/x/..//a.csv", shell "pwd" .. "/" .. relative } do
      fails("a.csv: was loaded by run 1 with other content", load, path, { mode = "append" }, plain)
    end
    publish(function(run)
      run.settings.data = ""
      run:load("item", relative, plain, { mode = "append", changed = "tail" })
    end)
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    db:query("UPDATE pghost.files SET path = $1", relative) -- as versions before recorded it
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    fails("a.csv: was loaded by run %d+ with other content", load, "a.csv", { mode = "append" }, plain)
  end)

  it("takes the same bytes once also where two pipes of a run bring them", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    local function piped(names)
      for _, name in ipairs { "1.csv", "2.csv" } do
        os.execute(("cd %s && rm -f %s && mkfifo %s && (timeout 20 cat a.csv > %s &)"):format(folder, name, name, name))
      end
      load(names, { mode = "append" }, plain)
    end
    fails("2.csv: has the content of '1.csv': the option force loads both", piped, { "1.csv", "2.csv" })
    fails("[12].csv: has the content of 'a.csv'", piped, { "1.csv", "2.csv", "a.csv" })
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
        local other <close> = pipeline.start("other", { data = folder }, { arguments = {}, dsn = dsn,
          log = { out = shown.sink(), format = "text", quiet = false }, out = shown.sink() })
        other:load("item", file, plain, { mode = mode })
        other:publish()
      end)
    end
    fails("cannot publish 'public.item': 'b.csv' was loaded by run %d+ meanwhile: run again", while_other, "append",
      "b.csv")
    fails("cannot publish 'public.item': another run has replaced it meanwhile: run again", while_other, "replace",
      "a.csv")
    assert.equal("1", ask "SELECT id FROM item ORDER BY id")
    load("*.csv", { mode = "append" }, plain)
    assert.equal("1\n2\n3", ask "SELECT id FROM item ORDER BY id")
  end)

  it("refuses tables of which it may not see every record", function()
    db:query "DO $$ BEGIN CREATE ROLE modes_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    db:query(("GRANT CREATE ON DATABASE %s TO modes_owner"):format(ask "SELECT current_database()"))
    db:query "GRANT ALL ON SCHEMA public TO modes_owner"
    local as_postgres = dsn
    dsn = dsn:gsub("user=postgres", "user=modes_owner")
    local _ <close> = setmetatable({}, { __close = function()
      dsn = as_postgres
    end })
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    write("b.csv", "id,name,price\n1,one,1\n2,zwei,2\n")
    for _, mode in ipairs { "history", "merge", "append" } do
      load("a.csv", { mode = mode })
      for _, name in ipairs { "item", "item_raw" } do
        db:query(("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"):format(name))
        db:query(("CREATE POLICY first ON %s USING (id::text = '1') WITH CHECK (true)"):format(name))
      end
      fails("table '[publicitem_raw.]*' has row%-level security, which may hide records from role 'modes_owner'", load,
        "b.csv", { mode = mode })
      fails("table '[publicitem_raw.]*' has row%-level security, which may hide", publish, function(run)
        run:clean("item", keyed)
      end)
      db:query "ALTER TABLE item NO FORCE ROW LEVEL SECURITY"
      db:query "ALTER TABLE item_raw NO FORCE ROW LEVEL SECURITY"
      load("b.csv", { mode = mode })
      db:query "DROP TABLE item, item_raw"
      db:query "DROP SCHEMA pghost CASCADE"
    end
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
      db:query "DROP TABLE item, item_raw"
      db:query "DROP SCHEMA pghost CASCADE"
    end
  end)
end)
