local progress = require "pghost.lib.progress"
local shown = require "support.shown"

local function bar(options)
  local out = shown.sink()
  local now = { 0 }
  local made = progress.new("booking", options.total, {
    out = out, enabled = options.enabled, columns = options.columns or 100,
    clock = function()
      return now[1]
    end,
  })
  return made, out, now
end

describe("pghost.progress", function()
  it("shows records, share, rate and time to go", function()
    local one, out, now = bar { total = 1000, enabled = true }
    now[1] = 2
    one:update(5000, 250)
    assert.equal("\rbooking  5,000 records  25 %  2,500/s  6.00 s to go\r", out.text)
  end)

  it("has no share where the size is not known", function()
    local one, out, now = bar { enabled = true }
    now[1] = 2
    one:update(5000, 250)
    assert.equal("\rbooking  5,000 records  2,500/s\r", out.text)
  end)

  it("draws at most ten times a second", function()
    local one, out, now = bar { total = 1000, enabled = true }
    now[1] = 1
    one:update(1, 1)
    local first = out.text
    now[1] = 1.05
    one:update(2, 2)
    assert.equal(first, out.text)
    now[1] = 1.2
    one:update(3, 3)
    assert.not_equal(first, out.text)
  end)

  it("is never wider than the terminal and wipes itself", function()
    local one, out, now = bar { total = 1000, enabled = true, columns = 10 }
    now[1] = 2
    one:update(5000, 250)
    assert.equal("\rbooking  \r", out.text)
    one:close()
    assert.equal("\rbooking  \r\r         \r", out.text)
  end)

  it("writes nothing when it is off", function()
    local one, out = bar { total = 1000, enabled = false }
    one:update(5000, 250)
    one:close()
    assert.equal("", out.text)
  end)
end)
