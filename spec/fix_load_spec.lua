-- pghost fix for what pghost load has rejected: the corrected records go into the same table, each once.

local pghost = require "support.pghost"
local projects = require "support.project"
local shown = require "support.shown"

describe("pghost fix of a load", function()
  local here

  local function edit(changes)
    local text = here:read "bad.csv"
    for from, to in pairs(changes) do
      local at, stop = text:find(from, 1, true)
      assert(at, from)
      text = text:sub(1, at - 1) .. to .. text:sub(stop + 1)
    end
    here:write("bad.csv", text)
  end

  -- How the rejects come into a file, in the way `kind`.
  local function load(kind, ...)
    local words = { "load", "a.csv", "--into", "t", "--max-rejects", "9", "--rejects",
      kind == "table" and "table" or "bad.csv", ... }
    here:must(0, table.unpack(words))
    if kind == "table" then
      here:must(0, "rejects", "--csv", "bad.csv", "--force")
    end
  end

  before_each(function()
    here = projects.new {}
    here:ask [[CREATE TABLE t (id int, v numeric CHECK (v < 1000), d text DEFAULT 'given',
      n bigint GENERATED ALWAYS AS IDENTITY)]]
  end)

  after_each(function()
    here:remove()
  end)

  for _, kind in ipairs { "table", "file" } do
    it("with its rejects in a " .. kind .. " loads each record once, and says what does not pass", function()
      here:write("a.csv", 'id,v\n1,10\n2,x\n3,5000\n4,"7\n5,y\n')
      load(kind)
      edit { ["2,x"] = "2,20", ["3,5000"] = "3,500", ["5,y"] = "5,z", ['"4,""7"'] = '"4,""7"""' }
      local err = here:must(0, "fix", "bad.csv")
      shown.has(err, "v: not a numeric 'z'", "bad.csv: 3 corrected, 0 passed as they were, 1 still open")
      assert.equal("1|10|given|t\n2|20|given|t\n3|500|given|t\n4|7|given|t",
        here:ask "SELECT id, v, d, n > 0 FROM t ORDER BY id")
      err = here:must(0, "fix", "bad.csv")
      shown.has(err,
        kind == "table" and "was already corrected by run 2: not loaded" or "was already taken in by run 1, ",
        "bad.csv: 0 corrected, 0 passed as they were, 1 still open")
      assert.equal("4|4", here:ask "SELECT count(*), count(DISTINCT id) FROM t")
      edit { ["5,z"] = "5,50" }
      shown.has(here:must(0, "fix", "bad.csv"), "bad.csv: 1 corrected")
      shown.has(here:must(0, "fix", "bad.csv"), "no record of an open reject: nothing to do")
      assert.equal("5|5", here:ask "SELECT count(*), count(DISTINCT id) FROM t")
    end)

    it("with its rejects in a " .. kind .. " has the options of that load", function()
      here:write("rules.lua", [[local r = require "pghost.rules"
        return r.table("t", { { "id", r.integer():required() },
          { "v", r.numeric():range(0, 100) }, { "d", r.text():trim() } })]])
      here:write("a.csv", "id;v;d\n1;1;NA\n2;x; NA \n3;2;'a;b'\n4;NA;'c'd\n")
      load(kind, "--delimiter", ";", "--quote", "'", "--null", "NA", "--rules", "rules.lua")
      edit { ["2,x"] = "2,2", ["4;NA;'c'd"] = "4;NA;'cd'" }
      if kind == "file" then
        shown.has(here:must(2, "fix", "bad.csv"), "'bad.csv' is of a load with rules 'rules.lua': give --rules FILE")
        here:must(0, "fix", "bad.csv", "--rules", "rules.lua")
      else
        here:must(0, "fix", "bad.csv")
      end
      assert.equal("1|1|-\n2|2|NA\n3|2|a;b\n4|-|cd", here:ask [[
        SELECT id, coalesce(v::text, '-') AS v, coalesce(d, '-') AS d FROM t ORDER BY id]])
    end)

    it("with its rejects in a " .. kind .. " takes each in once with four at the same time", function()
      local lines, corrected = { "id,v" }, 0
      for i = 1, 1200 do
        lines[#lines + 1] = i .. (i % 2 == 0 and ",x" or ",1")
      end
      here:write("a.csv", table.concat(lines, "\n") .. "\n")
      here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "100%", "--rejects",
        kind == "table" and "table" or "bad.csv")
      if kind == "table" then
        here:must(0, "rejects", "--csv", "bad.csv")
      end
      here:write("bad.csv", (here:read("bad.csv"):gsub(",x,", ",1,")))
      local one = ("%s --dsn '%s' fix bad.csv >out%%d 2>&1 &"):format(pghost.path, here.dsn)
      local all = {}
      for i = 1, 4 do
        all[i] = one:format(i)
      end
      os.execute(("cd %s && (%s wait)"):format(here.folder, table.concat(all, " ")))
      for i = 1, 4 do
        local text = here:read("out" .. i)
        corrected = corrected + (tonumber(text:match "(%d+) corrected, ") or 0)
        assert.truthy(text:find "corrected, 0 passed" or text:find "nothing to do", text)
      end
      assert.equal("1200|1200", here:ask "SELECT count(*), count(DISTINCT id) FROM t")
      assert.equal(600, corrected)
    end)

    it("with its rejects in a " .. kind .. " has loaded all or nothing when it is killed", function()
      here:write("a.csv", "id,v\n1,1\n2,x\n3,x\n")
      load(kind)
      here:write("bad.csv", (here:read("bad.csv"):gsub(",x,", ",1,")))
      for _, after in ipairs { 0.02, 0.05, 0.1 } do
        os.execute(("cd %s && timeout -s KILL %g %s --dsn '%s' fix bad.csv >/dev/null 2>&1"):format(here.folder, after,
          pghost.path, here.dsn))
        assert.truthy(("1 3"):find(here:ask "SELECT count(*) FROM t", 1, true))
      end
      here:must(0, "fix", "bad.csv")
      assert.equal("1|1\n2|1\n3|1", here:ask "SELECT id, v FROM t ORDER BY 1")
    end)
  end

  it("keeps corrections, and leaves cells alone that nobody touched", function()
    here:ask "CREATE TABLE words (id int, a text, b text)"
    here:write("a.csv", "id,a,b\nx,=1+1,\ny,'=2,\"\"\n")
    here:must(0, "load", "a.csv", "--into", "words", "--max-rejects", "9", "--rejects", "table")
    here:must(0, "rejects", "--csv", "bad.csv")
    edit { ["\nx,"] = "\n1,", ["\ny,"] = "\n2," }
    shown.has(here:must(1, "replay", "1"), "run 1 was a pghost load, which has no rules to edit")
    here:must(0, "fix", "1", "bad.csv")
    assert.equal("1|=1+1|t|\n2|'=2|f|", here:ask "SELECT id, a, b IS NULL, b FROM words ORDER BY id")
    assert.equal('corrected|["1", "=1+1", null]|2\ncorrected|["2", "\'=2", ""]|2', here:ask [[
      SELECT r.state, c.fields, r.replayed_by FROM pghost.rejects AS r JOIN pghost.corrections AS c USING (reject_id)
      ORDER BY reject_id]])
    assert.equal("1", here:ask "SELECT replay_of FROM pghost.runs WHERE run_id = 2")
  end)

  it("knows what pghost load has taken in of the file, and the other way about", function()
    here:write("a.csv", "id,v\n1,x\n2,y\n3,z\n")
    load "file"
    edit { ["1,x"] = "1,1" }
    here:must(0, "fix", "bad.csv")
    edit { ["2,y"] = "2,2" }
    shown.has(here:must(1, "load", "bad.csv", "--into", "t", "--max-rejects", "9"), "bad.csv:2: reject h",
      "was already taken in by run 1",
      "leave the record out")
    here:write("bad.csv", (here:read("bad.csv"):gsub("\n1,1[^\n]*", "")))
    here:must(0, "load", "bad.csv", "--into", "t", "--max-rejects", "9")
    shown.has(here:must(1, "load", "bad.csv", "--into", "t", "--max-rejects", "9"), "leave the record out")
    edit { ["3,z"] = "3,3" }
    shown.has(here:must(0, "fix", "bad.csv"), "bad.csv:2: reject h", "1 corrected")
    assert.equal("1|1\n2|2\n3|3", here:ask "SELECT id, v FROM t ORDER BY id")
  end)

  it("of two files at once, one after the other, which load different tables", function()
    here:write("a.csv", "id,v\n1,x\n")
    load "file"
    local first = here:read "bad.csv"
    here:ask "CREATE TABLE u (id int, v numeric)"
    here:must(0, "load", "a.csv", "--into", "u", "--max-rejects", "9", "--rejects", "bad.csv", "--force")
    here:write("bad.csv", (first:gsub(",x,", ",1,")) .. here:read("bad.csv"):match("\n(.*)"):gsub(",x,", ",2,"))
    shown.has(here:must(1, "fix", "bad.csv"),
      "bad.csv:3: is of a load into public.u, the first record of one into public.t")
    assert.equal("0", here:ask "SELECT count(*) FROM t")
  end)

  for _, kind in ipairs { "table", "file" } do
    it("with its rejects in a " .. kind .. " refuses --table of another table, and loads nothing", function()
      here:write("a.csv", "id,v\n1,x\n")
      load(kind)
      edit { ["1,x"] = "1,5" }
      shown.has(here:must(1, "fix", "bad.csv", "--table", "other"),
        "'bad.csv' is of a load into public.t, not into 'other': leave --table out")
      assert.equal("0", here:ask "SELECT count(*) FROM t")
      here:must(0, "fix", "bad.csv", "--table", kind == "file" and "t" or "public.t")
      assert.equal("1", here:ask "SELECT count(*) FROM t")
    end)
  end

  it("reads records with an open quote each for itself", function()
    here:ask "CREATE TABLE words (id int, a text)"
    here:write("a.csv", 'id,a\n1,"x\n2,b\n3,y"z\n4,w"\n')
    here:must(0, "load", "a.csv", "--into", "words", "--max-rejects", "9", "--rejects", "bad.csv")
    local count = here:ask "SELECT count(*) FROM words"
    shown.has(here:must(0, "fix", "bad.csv"), "bad.csv: 0 corrected, 0 passed as they were")
    assert.equal(count, here:ask "SELECT count(*) FROM words")
  end)

  it("tells what is not of a load, and loads the rest", function()
    here:write("a.csv", "id,v\n1,1\n2,x\n")
    load "file"
    edit { ["2,x"] = "2,2" }
    local text = here:read "bad.csv"
    local _, last = text:match "^([^\n]*\n)([^\n]*\n)$"
    here:write("bad.csv", text .. last .. (last:gsub(",h%x+,", ",7x,")))
    local err = here:must(1, "fix", "bad.csv")
    shown.has(err, "is already at line 2: not loaded", "bad.csv:4: no reject '7x' of a pghost load: not loaded",
      "1 corrected")
    shown.has(here:must(1, "fix", "a.csv"), "'a.csv' is not a rejects file")
    shown.has(here:must(2, "fix"), "missing argument 'file'")
    shown.has(here:must(1, "fix", "1", "bad.csv"), "no reject 'h")
  end)

  it("takes in what came later: the same records of two loads are two", function()
    here:write("a.csv", "id,v\n1,x\n")
    for i = 1, 2 do
      here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "9", "--rejects", ("bad%d.csv"):format(i))
    end
    for i = 1, 2 do
      here:write("bad.csv", here:read(("bad%d.csv"):format(i)))
      edit { ["1,x"] = "1,5" }
      here:must(0, "fix", "bad.csv")
      assert.equal(i, tonumber(here:ask "SELECT count(*) FROM t WHERE v = 5"))
    end
  end)

  it("is also what a pipeline's rejects file says of itself", function()
    here:write("item.csv", "id,v\n1,1\n2,x\n")
    here:write("shop.lua", [[local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
      run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "v", r.numeric() } }))
      run:publish()]])
    here:must(0, "shop.lua")
    here:must(0, "rejects", "--csv", "bad.csv")
    edit { ["2,x"] = "2,2" }
    shown.has(here:must(0, "fix", "bad.csv"), "1 corrected")
    assert.equal("1|1\n2|2", here:ask "SELECT id, v FROM item ORDER BY id")
    shown.has(here:must(2, "fix", "bad.csv", "--rules", "x.lua"), "--rules is for rejects of pghost load")
  end)
end)
