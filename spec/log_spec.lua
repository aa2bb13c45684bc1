local cjson = require "cjson"
local log = require "pghost.lib.log"
local shown = require "support.shown"

describe("pghost.lib.log", function()
  it("separates thousands", function()
    for number, text in pairs {
      [0] = "0", [999] = "999", [1000] = "1,000", [-1000] = "-1,000", [-100] = "-100", [1234567] = "1,234,567",
      [math.maxinteger] = "9,223,372,036,854,775,807",
    } do
      assert.equal(text, log.count(number))
    end
  end)

  it("knows one from many", function()
    assert.equal("1 record", log.counted(1, "record"))
    assert.equal("0 records", log.counted(0, "record"))
    assert.equal("2,000 entries", log.counted(2000, "entry", "entries"))
  end)

  it("says durations", function()
    assert.equal("0.04 s", log.duration(0.041))
    assert.equal("12.3 s", log.duration(12.34))
    assert.equal("2 min 05 s", log.duration(125.2))
    assert.equal("2 min 00 s", log.duration(119.9))
  end)

  it("writes one aligned line of text an event, whatever is in it", function()
    local out = shown.sink()
    log.new({ format = "text", quiet = false, out = out }):info("load", "users", "a\nb\27[31m", { seconds = 1.5 })
    assert.equal("load     users                a\\nb\\x1b[31m  (1.50 s)\n", out.text)
  end)

  it("writes one JSON object an event with plain numbers", function()
    local out = shown.sink()
    log.new({ format = "json", quiet = false, out = out }):warn("load", "users", "2 rejected", { rejected = 2000 })
    local object = cjson.decode(out.text)
    assert.equal(1, select(2, out.text:gsub("\n", "")))
    assert.same({ "warn", "load", "users", "2 rejected", 2000 },
      { object.level, object.event, object.name, object.message, object.rejected })
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", object.time)
  end)

  it("writes what is false", function()
    local out = shown.sink()
    log.new({ format = "json", quiet = false, out = out }):warn("check", "users", "1 violation", { passed = false })
    assert.is_false(cjson.decode(out.text).passed)
  end)

  it("keeps warnings and errors when quiet", function()
    local out = shown.sink()
    local quiet = log.new { format = "text", quiet = true, out = out }
    quiet:info("load", "a", "x")
    assert.equal("", out.text)
    quiet:warn("load", "a", "x")
    quiet:error("load", "a", "y")
    assert.equal("load     a                    warn: x\nload     a                    error: y\n", out.text)
  end)
end)
