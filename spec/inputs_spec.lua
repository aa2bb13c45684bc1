-- Packed files: the same records as from the file itself, and nothing at all from one that is damaged, cut short
-- or longer than it should be. Members of zips, and what is accounted for each.

local csv = require "pghost.native.csv"
local files = require "pghost.input.files"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local here = arg[0]:match("^(.*)/") or "."
local endings = { ".gz", ".bz2", ".xz", ".zst", ".zip" }
local folder

local function write(name, bytes)
  return pghost.write(folder .. "/" .. name, bytes)
end

local function read(name)
  return pghost.read(folder .. "/" .. name)
end

local function packed(...)
  local words = { ... }
  for i, word in ipairs(words) do
    words[i] = pghost.quote(word)
  end
  server.shell(("python3 '%s/support/packed.py' %s"):format(here, table.concat(words, " ")))
end

-- The number of records of a file, and what is known of it at its end; nil and the message where it cannot be read.
local function count(name, options)
  local source <close>, message, code = csv.open(folder .. "/" .. name, options)
  if not source then
    return nil, message, code
  end
  local records = 0
  local good, problem = pcall(function()
    for _ in source:records() do
      records = records + 1
    end
  end)
  if not good then
    return nil, problem
  end
  return records, source:totals()
end

local function paths(list)
  local out = {}
  for i, file in ipairs(list) do
    out[i] = file.path:sub(#folder + 2) .. (file.member and ": " .. file.member or "") .. " " .. file.name
  end
  return out
end

fixture.each(function(keep)
  folder = keep(pghost.folder())
end)

describe("a file that others write while it is read", function()
  local record = "1,2,3\n"

  -- What reading ends with where `command` is done to f.csv behind its first record.
  local function read_on(command)
    write("f.csv", "a,b,c\n" .. record:rep(400000))
    local source <close> = assert(csv.open(folder .. "/f.csv"))
    local records = 0
    local good, problem = pcall(function()
      for _ in source:records() do
        records = records + 1
        if records == 1 then
          server.shell(command .. folder .. "/f.csv")
        end
      end
    end)
    return good and records or problem
  end

  it("is an error when it becomes shorter, also at the end of a record", function()
    local message = "could not read '" .. folder .. "/f.csv': it became shorter while it was read"
    for _, size in ipairs { 0, 6, 6 * 300000 } do
      assert.equal(message, read_on(("truncate -s %d "):format(size)))
    end
  end)

  it("is read to its end when it becomes longer", function()
    assert.equal(400001, read_on("printf '4,5,6\\n' >> "))
  end)
end)

describe("a packed file", function()
  local function make(records)
    local lines = { "a,b" }
    for i = 1, records do
      lines[#lines + 1] = ('%d,"x\n%d"'):format(i, i * 7919 % 1000)
    end
    write("data", table.concat(lines, "\n") .. "\n")
    packed(folder .. "/data")
  end

  it("holds what was packed, whatever it is called", function()
    make(20000)
    local records, plain = count "data"
    assert.equal(20000, records)
    assert.equal(server.shell(("sha256sum <'%s/data'"):format(folder)):match("%x+"), plain.sha256)
    for _, ending in ipairs(endings) do
      os.rename(folder .. "/data" .. ending, folder .. "/odd.csv")
      local same, totals = count "odd.csv"
      assert.equal(records, same, ending)
      assert.same({ plain.bytes, plain.sha256 }, { totals.bytes, totals.sha256 })
      assert.equal(ending == ".zip" and plain.bytes or #read "odd.csv", totals.input_bytes)
    end
  end)

  it("may come from standard input, as a file and through a pipe", function()
    make(20000)
    local script = write("script.lua", [[
      local source <close> = assert(require "pghost.native.csv".open "-")
      local records = 0
      for _ in source:records() do records = records + 1 end
      print(records, source:totals().bytes, source:totals().input_bytes)]])
    local size = #read "data"
    for _, ending in ipairs { "", table.unpack(endings) } do
      local name = folder .. "/data" .. ending
      local expected = ("20000\t%d\t%d"):format(size, ending == ".zip" and size or #read("data" .. ending))
      for _, way in ipairs { "'%s' '%s' <'%s'", "cat '%3$s' | '%1$s' '%2$s'" } do
        local command = way:find("3$", 1, true) and ("cat '%s' | '%s' '%s'"):format(name, pghost.path, script)
          or way:format(pghost.path, script, name)
        assert.equal(expected, (server.shell(command):gsub("\n$", "")))
      end
    end
  end)

  it("is an error where it is cut short, at any byte", function()
    make(30)
    for _, ending in ipairs(endings) do
      local bytes = read("data" .. ending)
      for cut = 5, #bytes - 1 do
        write("cut", bytes:sub(1, cut))
        local records, message = count "cut"
        assert.is_nil(records, ("%s cut at %d"):format(ending, cut))
        assert.matches("^could not read '" .. folder:gsub("%p", "%%%0") .. "/cut': ", message)
      end
    end
  end)

  it("is an error where anything follows, but for more of the same", function()
    make(30)
    for _, ending in ipairs(endings) do
      local bytes = read("data" .. ending)
      for _, tail in ipairs { "x", "\0", "\n\n\n", bytes:sub(1, 9) } do
        write("long", bytes .. tail)
        assert.is_nil((count "long"), ending)
      end
      if ending ~= ".zip" then
        write("twice", bytes .. bytes)
        local _, totals = count "twice"
        assert.same({ 2 * #read "data", 2 * #bytes }, { totals.bytes, totals.input_bytes })
      end
    end
  end)

  it("never gives other bytes, whichever bit is wrong", function()
    make(30)
    local _, plain = count "data"
    for _, ending in ipairs(endings) do
      local bytes = read("data" .. ending)
      for at = 1, #bytes do
        write("flip", bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << at % 8) .. bytes:sub(at + 1))
        local records, totals = count "flip"
        assert.is_true(not records or totals.sha256 == plain.sha256 or at <= 4, ("%s at %d"):format(ending, at))
      end
    end
  end)

  it("is empty when nothing was packed", function()
    write("data", "")
    packed(folder .. "/data")
    for _, ending in ipairs(endings) do
      local name = folder .. "/data" .. ending
      local source, message, code = csv.open(name)
      assert.is_nil(source)
      assert.same({ ("'%s' is empty"):format(name), "empty" }, { message, code })
    end
  end)
end)

describe("a zip", function()
  it("stands for its CSV files, by name", function()
    packed("zip", folder .. "/many.zip", "b.csv=a\\n1\\n", "dir/A.TSV=a\\n2\\n", "a.txt=a\\n3\\n", "readme.md=x",
      "__MACOSX/b.csv=x", ".hidden.csv=x", "dir/._b.csv=x", "empty/=")
    assert.same({ "many.zip: a.txt many.zip/a.txt", "many.zip: b.csv many.zip/b.csv",
      "many.zip: dir/A.TSV many.zip/dir/A.TSV" }, paths(files.resolve(folder .. "/many.zip")))
    assert.equal(4, files.resolve("many.zip", folder)[1].size)
    local records, totals = count("many.zip", { member = "dir/A.TSV" })
    assert.same({ 1, 4, 4 }, { records, totals.bytes, totals.input_bytes })
    local _, message, code = count("many.zip", {})
    assert.same({ ("'%s/many.zip' is a zip of 7 files: name one of them"):format(folder), "archive" },
      { message, code })
    _, message = count("many.zip", { member = "c.csv" })
    assert.equal(("no member 'c.csv' in '%s/many.zip'"):format(folder), message)
  end)

  it("stands for its only file, whatever that is called", function()
    packed("zip", folder .. "/one.zip", "export.dat=a\\n1\\n", "__MACOSX/export.dat=x")
    assert.same({ "one.zip: export.dat one.zip/export.dat" }, paths(files.resolve(folder .. "/one.zip")))
    packed("zip", folder .. "/none.zip", "a.md=a\\n1\\n", "b.md=x")
    local good, problem = pcall(files.resolve, folder .. "/none.zip")
    assert.is_false(good)
    assert.equal(("no .csv, .tsv or .txt file in the zip '%s/none.zip'"):format(folder), tostring(problem))
  end)

  it("has names that are labels and nothing else", function()
    packed("zip", folder .. "/evil.zip", "../../tmp/evil.csv=a\\n1\\n", "/etc/é.csv=a\\n2\\n", "\27[31m\n.csv=a\\n3\\n")
    assert.same({ "evil.zip/../../tmp/evil.csv", "evil.zip//etc/é.csv", "evil.zip/\\x1b[31m\\x0a.csv" }, (function()
      local names = {}
      for i, file in ipairs(files.resolve(folder .. "/evil.zip")) do
        names[i] = file.name
        assert.equal(1, (count("evil.zip", { member = file.member })))
      end
      table.sort(names)
      return names
    end)())
    assert.is_nil(csv.open(folder .. "/../../tmp/evil.csv"))
  end)

  it("is nothing else: members of other files are refused", function()
    write("a.csv", "a\n1\n")
    assert.same({ size = 4 }, csv.look(folder .. "/a.csv", 0))
    local _, message = count("a.csv", { member = "x" })
    assert.equal(("'%s/a.csv' is not a zip: it has no members"):format(folder), message)
    assert.equal("ENOENT", select(3, csv.look(folder .. "/missing", 0)))
  end)
end)

describe("a folder and a glob", function()
  it("take packed files, too", function()
    for _, name in ipairs { "a.csv", "b.csv.gz", "c.CSV.zst", "d.csv.xz", "e.csv.bz2", "notes.gz", "f.txt" } do
      write(name, "a\n1\n")
    end
    packed("zip", folder .. "/g.zip", "x.csv=a\\n1\\n")
    assert.same({ "a.csv a.csv", "b.csv.gz b.csv.gz", "c.CSV.zst c.CSV.zst", "d.csv.xz d.csv.xz", "e.csv.bz2 e.csv.bz2",
      "g.zip: x.csv g.zip/x.csv" }, paths(files.resolve(folder)))
    assert.same({ "b.csv.gz b.csv.gz", "notes.gz notes.gz" }, paths(files.resolve("*.gz", folder)))
  end)
end)

describe("a load of packed files", function()
  local dsn

  local function psql(sql)
    return server.shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -c \"%s\""):format(dsn, sql)):gsub("\n$", "")
  end

  local function load(...)
    local out, err, code = pghost.run({ "--dsn", dsn, "load", "--into", "t", ... }, { cd = folder })
    return code, out .. err
  end

  before_each(function()
    dsn = server.get():database()
    psql "CREATE TABLE t (a int, b text)"
  end)

  it("loads all of it or nothing, with one worker and with three", function()
    local lines = { "a,b" }
    for i = 1, 30000 do
      lines[#lines + 1] = ("%d,x%d"):format(i, i * 7919 % 10007)
    end
    write("data.csv", table.concat(lines, "\n"))
    packed(folder .. "/data.csv")
    for _, ending in ipairs(endings) do
      local bytes = read("data.csv" .. ending)
      write("half.csv", bytes:sub(1, -20))
      write("wrong.csv", bytes:sub(1, #bytes - 60) .. string.char(bytes:byte(-60) ~ 4) .. bytes:sub(-59))
      for _, workers in ipairs { ending == ".bz2" and "1" or "3" } do
        for _, name in ipairs { "half.csv", ending ~= ".zip" and "wrong.csv" or nil } do
          local code, output = load(name, "--workers", workers)
          assert.equal(1, code, output)
          assert.matches(name, output, 1, true)
          assert.equal("0", psql "SELECT count(*) FROM t")
        end
        local code, output = load("data.csv" .. ending, "--workers", workers, "--truncate")
        assert.equal(0, code, output)
        assert.equal("30000|450015000", psql "SELECT count(*), sum(a) FROM t")
        psql "TRUNCATE t"
      end
    end
  end)

  it("names the member in messages", function()
    packed("zip", folder .. "/z.zip", "good.csv=a,b\\n1,x\\n", "sub/bad.csv=a,b\\n2,y\\nz,y\\n")
    local code, output = load("z.zip")
    assert.equal(1, code)
    assert.matches("z.zip/sub/bad.csv:3: ", output, 1, true)
    assert.equal("0", psql "SELECT count(*) FROM t")
    code, output = load("z.zip", "--max-rejects", "1")
    assert.equal(0, code, output)
    assert.equal("1x2y", psql "SELECT string_agg(a || b, '' ORDER BY a) FROM t")
  end)

  it("keeps account of them in a run, with the original bytes of duplicates", function()
    local connection = require "pghost.connection"
    local pipeline = require "pghost.pipeline"
    local r = require "pghost.rules"
    write("one.csv", "id,n\n1,\xe9\n2,\"x\ny\"\n")
    packed(folder .. "/one.csv")
    os.rename(folder .. "/one.csv.gz", folder .. "/one.gz")
    packed("zip", folder .. "/two.zip", "two.csv=id,n\\n3,c\\n1,e\\n2,\"p\nq\"\\n")
    do
      local run <close> = pipeline.start("packed", { data = folder },
        { arguments = {}, dsn = dsn, log = { quiet = true } })
      run:load("item", { "one.gz", "two.zip" }, r.table("item", { { "id", r.bigint():required() }, { "n", r.text() } },
        { key = "id" }), { encoding = "latin1" })
    end
    local db <close> = connection.open { dsn = dsn }
    local rows = {}
    for row in db:query("SELECT * FROM pghost.files ORDER BY file_id"):rows() do
      rows[#rows + 1] = { row.name, row.member or "-", row.encoding, row.size, row.input_size, row.sha256 }
    end
    local sum = server.shell(("sha256sum <'%s/one.csv'"):format(folder)):match("%x+")
    assert.same({ "one.gz", "-", "latin1", #read "one.csv", #read "one.gz", sum }, rows[1])
    assert.same({ "two.zip/two.csv", "two.csv", "latin1", 21, 21 }, { table.unpack(rows[2], 1, 5) })
    assert.equal("3|9|3|1,e\n4|13|7|2,\"p\nq\"", psql [[SELECT line, byte_offset, byte_length,
      convert_from(original, 'UTF8') FROM pghost.rejects ORDER BY line]])
  end)
end)

-- How often strace sees a command open each file of a folder `many`. LeakSanitizer traces, too, and cannot be traced.
local function openings(words)
  local options = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0"
  local command = { "env", "ASAN_OPTIONS=" .. options, "strace", "-f", "-e", "trace=openat", "-o",
    folder .. "/strace.log", pghost.path }
  table.move(words, 1, #words, #command + 1, command)
  for i, word in ipairs(command) do
    command[i] = pghost.quote(word)
  end
  local _, err, code = pghost.shell(table.concat(command, " "))
  assert.equal(0, code, err)
  local counts = {}
  for name in read("strace.log"):gmatch '"[^"\n]*/many/([^"\n]+)"' do
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

describe("a small file", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    os.execute("mkdir " .. folder .. "/many")
    write("many/a.csv", "id;name\n1;a\n2;b\n")
    write("many/b.csv", "id;name\n3;c\n")
  end)

  it("is opened once, whatever is asked of it: dialect, header, hash, records", function()
    local dsn = server.get():database()
    local rules = [[local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("job", { data = %q })
      run:load("item", "many", r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } },
        { key = "id" }), { dialect = "auto", mode = "merge" })
      run:publish()]]
    for _, words in ipairs {
      { "load", folder .. "/many", "--into", "made", "--create", "--auto" },
      { write("job.lua", rules:format(folder)) },
    } do
      assert.same({ ["a.csv"] = 1, ["b.csv"] = 1 }, openings { "--dsn", dsn, table.unpack(words) })
    end
  end)

  it("has its records and hash from those bytes", function()
    local found = files.resolve(folder .. "/many")
    local contents = require "pghost.input.contents"
    write("many/a.csv", "id;name\n7;x\n")
    local source <close> = contents.open(found[1], { delimiter = ";" })
    local ids = {}
    for _, record in source:records() do
      ids[#ids + 1] = record[1]
    end
    assert.same({ "1", "2" }, ids)
    local function hash(text)
      return server.shell(("printf '%s' | sha256sum"):format(text)):match "^%x+"
    end
    assert.equal(hash "id;name\\n1;a\\n2;b\\n", contents.digest(found[1]).sha256)
    assert.equal(hash "id;name\\n", contents.digest(found[1], 8).sha256)
  end)

  it("is not kept when it is large, compressed, or all together are too many bytes", function()
    local contents = require "pghost.input.contents"
    local small, kept = contents.small, contents.kept
    contents.small, contents.kept = 20, 20
    local found = files.resolve(folder .. "/many")
    contents.small, contents.kept = small, kept
    assert.equal("id;name\n1;a\n2;b\n", found[1].contents)
    assert.is_nil(found[2].contents)
    assert.equal(12, found[2].size)
  end)
end)
