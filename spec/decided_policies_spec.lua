-- What a policy did to records is a count where the user has asked for it by name, and a warning where `tolerant`
-- or a guess has: in the log of a run, in its last line, and in what `pghost load` prints. The expected counts are
-- those of the lines written here.

local cjson = require "cjson"
local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

-- Option, value, file, what is told of it.
local policies = {
  { "too_few", "pad", "id,name\n1\n2,b\n", "1 record padded" },
  { "too_many", "cut", "id,name\n1,a,\n2,b\n", "1 record cut" },
  { "too_many", "extra", "id,name\n1,a,x\n2,b\n", "1 record with extra fields" },
  { "stray_quote", "repair", 'id,name\n1,5" disk\n2,b\n', "1 record with a stray quote repaired" },
  { "nul", "strip", "id,name\n1,a\0\n2,b\n", "1 record without their NUL bytes" },
  { "invalid", "windows-1252", "id,name\n1,caf\xe9\n2,b\n", "1 record with bytes in another encoding" },
  { "repeated_header", "skip", "id,name\n1,a\nid,name\n2,b\n", "1 record skipped that repeat the header" },
  { "blanks_after_quote", "skip", 'id,name\n1,"a" \n2,b\n', "1 record with blanks after a closing quote" },
  { "trailing_delimiter", "skip", "id,name\n1,a,\n2,b\n", "1 record with a trailing delimiter" },
  { "second_table", "stop", "id,name\n1,a\n2,b\n\nx,y,z\n1,2,3\n", "2 lines of a second table not read" },
}

-- Those that `tolerant` does not ask for.
local not_tolerated = { cut = true, stop = true }

describe("what a policy did to records", function()
  local folder, db, dsn

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
  end)

  local rules = r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } })

  local function run_load(options, format)
    local out = shown.sink()
    db:query "DROP TABLE IF EXISTS item, item_raw"
    local run <close> = pipeline.start("spec", { data = folder }, { arguments = {}, dsn = dsn,
      log = { out = out, format = format or "text", quiet = false }, out = shown.sink() })
    run:load("item", "item.csv", rules, options)
    run:publish()
    return out.text
  end

  local function write(text)
    pghost.write(folder .. "/item.csv", text)
  end

  local function load(...)
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "item.csv", "--into", "told", "--create", ... },
      { cd = folder })
    db:query "DROP TABLE IF EXISTS told"
    assert.equal(0, code, err)
    return err
  end

  for _, policy in ipairs(policies) do
    local option, value, text, told = table.unpack(policy)
    it(("is a count with %s = '%s'"):format(option, value), function()
      write(text)
      local line = ("repair   item                 item.csv: %s\n"):format(told)
      local rejected = value == "stop" and 1 or 0 -- the second table's first record
      local log = run_load { [option] = value, max_rejects = rejected }
      assert.matches(line, log, 1, true)
      assert.equal(rejected > 0, log:find("warn: ", 1, true) ~= nil, log)
      local event = run_load({ [option] = value, max_rejects = rejected }, "json"):match '[^\n]*"event":"repair"[^\n]*'
      event = cjson.decode(event)
      assert.same({ "info", "item.csv: " .. told }, { event.level, event.message })
    end)

    if not not_tolerated[value] then
      it(("is a warning with tolerant, without %s"):format(option), function()
        write(text)
        local log = run_load { tolerant = true }
        assert.matches("repair   item                 warn: item.csv: 1 record", log, 1, true)
        assert.matches("[,;] 1 warning", log)
      end)
    end
  end

  it("is told apart where a file has both", function()
    write('id,name\n1\n2,5" disk\n')
    local log = run_load { tolerant = true, too_few = "pad" }
    assert.matches("repair   item                 item.csv: 1 record padded\n", log, 1, true)
    assert.matches("repair   item                 warn: item.csv: 1 record with a stray quote repaired\n", log, 1, true)
    assert.matches("[,;] 1 warning", log)
  end)

  it("is a warning where the option was only guessed", function()
    write('"id","name"\n' .. ('"1","a, b" \n'):rep(50))
    local log = run_load { dialect = "auto" }
    assert.matches("warn: item.csv: 50 records with blanks after a closing quote", log, 1, true)
    log = run_load { dialect = "auto", blanks_after_quote = "skip" }
    assert.matches("repair   item                 item.csv: 50 records with blanks after a closing quote", log, 1, true)
  end)

  it("is neither a warning of pghost load nor told by its --quiet", function()
    write("id,name\n1\n2,b\n")
    assert.matches("^item.csv: 1 record padded\n", load("--too-few", "pad"))
    assert.equal("", load("--too-few", "pad", "--quiet"))
    assert.matches("warn: item.csv: 1 record padded\n", load "--tolerant", 1, true)
    assert.equal("warn: item.csv: 1 record padded\n", load("--tolerant", "--quiet"))
  end)

  it("goes for names that the header does not have", function()
    write("id,id,\n1,2,3\n")
    local function log_of(options)
      local of_positions = r.table("item", { { "id", r.bigint(), from = 1 } })
      db:query "DROP TABLE IF EXISTS item, item_raw"
      local out = shown.sink()
      local run <close> = pipeline.start("spec", { data = folder }, { arguments = {}, dsn = dsn,
        log = { out = out, format = "text", quiet = false }, out = shown.sink() })
      run:load("item", "item.csv", of_positions, options)
      return out.text
    end
    assert.matches("columns  item                 item.csv: column 2 'id' is named id_2\n",
      log_of { header_names = "repair" }, 1, true)
    assert.matches("columns  item                 warn: item.csv: column 2 'id' is named id_2\n",
      log_of { tolerant = true }, 1, true)
  end)
end)
