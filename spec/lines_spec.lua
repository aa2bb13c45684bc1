-- Every line of a file is accounted for: records, header, preamble, comments, blank lines, footer, second table.

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local folder

local function counts_of(path, options, workers)
  local source <close> = assert(csv.open(path, options))
  local handle <close> = assert(load.open { workers = workers })
  local counts = assert(handle:file(source, { name = "f.csv", raw_map = {}, clean_map = {} }))
  assert(handle:finish())
  return counts
end

local function lines_of(text, options, workers)
  local lines = counts_of(pghost.write(folder .. "/f.csv", text), options, workers or 2).lines
  return lines
end

describe("the lines of a file", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
  end)

  it("are all counted, as whoever wrote them counted them", function()
    local seed = new_seed()
    for i = 1, tonumber(os.getenv "PGHOST_SPEC_CASES" or 40) do
      local path = folder .. "/random.csv"
      local case = cjson.decode(server.shell(("python3 %s/spec/support/lines.py %d %s"):format(pghost.root, seed + i,
        path)))
      for name, value in pairs(case.options) do
        case.options[name] = math.tointeger(value) or value
      end
      for _, workers in ipairs { 1, 4 } do
        local where = ("seed %d, %d workers, %s"):format(seed + i, workers, cjson.encode(case.options))
        local counts = counts_of(path, case.options, workers)
        local all = 0
        for kind, count in pairs(case.lines) do
          all = all + count
          assert.equal(count, counts.lines[kind], where .. ": " .. kind)
        end
        assert.equal(all, counts.lines.all, where)
        assert.equal(case.records, counts.records, where)
      end
    end
  end)

  it("are of the kinds there are, and no others", function()
    assert.same({ records = 3, header = 1, all = 4 }, lines_of('a,b\n1,"x\ny"\n2,z'))
    assert.same({ records = 1, header = 1, blank = 2, all = 4 }, lines_of("\na,b\r\n1,2\r\n\r\n"))
    assert.same({ records = 2, header = 1, all = 3 }, lines_of("a,b\r1,2\r3,4"))
    assert.same({ records = 1, header = 1, blank = 1, all = 3 }, lines_of("a,b\r\r\n1,2\r\r\n\r\r\n"))
    assert.same({ records = 1, header = 2, preamble = 1, footer = 2, all = 6 },
      lines_of('x\n"a\nb",c\n1,2\nsum\nend', { skip = 1, footer = 2 }))
    assert.same({ records = 3, all = 3 }, lines_of("1\n2\n3\n", { header = false }))
    assert.same({ header = 1, all = 1 }, lines_of("a,b"))
  end)

  it("that are comments show the first", function()
    local lines = lines_of("# one\na,b\n1,2\n#,2\n#3,4\n", { comment = "#" })
    assert.same({ records = 1, header = 1, comments = 3, all = 5, comment = "# one", comment_line = 1 }, lines)
    lines = lines_of("temp,day\n12.5,1\n--,2\n13.1,3\n--,5\n", { comment = "--" }, 4)
    assert.same({ "--,2", 3, 2 }, { lines.comment, lines.comment_line, lines.comments })
  end)

  it("are logged and recorded where they are no records", function()
    local dsn = server.get():database()
    server.shell(("mkdir -p %s/data"):format(folder))
    pghost.write(folder .. "/data/x.csv", "by us\n# c\27\nid,n\n1,2\n\n3,4\nTotal,2\n")
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "data/x.csv", "--into", "x", "--create", "--skip", "1",
      "--comment", "#", "--footer", "1" }, { cd = folder })
    assert.equal(0, code, err)
    assert.matches("data/x.csv: besides records: 1 header line, 1 preamble line, 1 comment line (first at "
      .. "line 2: '# c\\x1b'), 1 blank line, 1 footer line\n", err, 1, true)
    pghost.write(folder .. "/p.lua", [[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("p", {})
      run:load("item", "x.csv", r.table("item", { { "id", r.bigint() }, { "n", r.text() } }, { key = "id" }),
        { skip = 1, comment = "#", footer = 1 })
      run:publish()]])
    _, err, code = pghost.run({ "--dsn", dsn, "p.lua" }, { cd = folder })
    assert.equal(0, code, err)
    assert.matches("1 comment line (first at line 2", err, 1, true)
    local out = pghost.shell(("psql -X -q -A -t -d %s"):format(pghost.quote(dsn)),
      "SELECT lines - 'comment' FROM pghost.files WHERE table_name = 'item'")
    assert.same({ all = 7, records = 2, header = 1, preamble = 1, comments = 1, blank = 1, footer = 1,
      comment_line = 2 }, cjson.decode(out))
  end)
end)
