-- Long lines of the log on a terminal: broken at blanks, with a hanging indent, and nothing lost.

local log = require "pghost.lib.log"
local pghost = require "support.pghost"
local shown = require "support.shown"
local terminal_text = require "pghost.lib.terminal"

describe("a line on a terminal", function()
  it("is broken at blanks, where it is too long", function()
    for _, case in ipairs {
      { "one two", 10, 4, "one two" },
      { "one  two three", 8, 4, "one  two\n    three" },
      { "one two three four five", 9, 2, "one two\n  three\n  four\n  five" },
      { "one two three four five", 12, 2, "one two\n  three four\n  five" },
      { "one /a/path/longer/than/that two", 10, 2, "one\n  /a/path/longer/than/that\n  two" },
      { "/a/path/longer/than/that", 10, 2, "/a/path/longer/than/that" },
      { "größe 日本語 é two", 12, 2, "größe 日本語\n  é two" },
      { "", 10, 2, "" },
    } do
      assert.equal(case[4], terminal_text.wrapped(case[1], case[2], case[3]))
    end
  end)

  it("has all words of the text, in their order, and fits, whatever the width", function()
    local text = "load     a_table_with_a_name  warn: 12,345 of 99,999 records in 3 files: 'x' is no bigint  (12.3 s)"
    for width = 20, 120 do
      local out = terminal_text.wrapped(text, width, 10)
      assert.equal((text:gsub(" +", " ")), (out:gsub("%s+", " ")))
      for line in out:gmatch "[^\n]+" do
        assert.is_true(terminal_text.width(line) <= math.max(width, 10 + #"a_table_with_a_name"), line)
      end
    end
  end)

  local code <const> = [[require("pghost.lib.log").new { format = os.getenv "FORMAT" }:warn("load", "item",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen", { seconds = 1.5 })]]

  -- What a terminal of that many columns gets.
  local function on_terminal(columns, env)
    return (pghost.shell(("cd /tmp && env NO_COLOR=1 TERM=xterm CODE='%s' %s "
      .. "script -qec 'stty cols %d; %s -e \"$CODE\"' /dev/null"):format(code:gsub("\n", " "), env or "", columns,
      pghost.path)):gsub("\r", ""))
  end

  it("hangs below its text", function()
    local hanging = "\n" .. (" "):rep(30)
    assert.equal("load     item                 warn: one two three four five six seven eight nine" .. hanging
      .. "ten eleven twelve thirteen fourteen  (1.50 s)\n", on_terminal(80))
    assert.equal("load     item                 warn: one two three four five six seven eight nine ten eleven twelve "
      .. "thirteen" .. hanging .. "fourteen  (1.50 s)\n", on_terminal(114))
    assert.equal("load     item                 warn: one\n          two three four five six seven\n          "
      .. "eight nine ten eleven twelve\n          thirteen fourteen  (1.50 s)\n", on_terminal(40))
  end)

  it("is one line where nobody looks on, and of JSON", function()
    local text = ("word "):rep(60)
    local out = shown.sink()
    log.new({ format = "text", quiet = false, out = out }):info("load", "item", text)
    assert.equal(1, select(2, out.text:gsub("\n", "")))
    assert.equal(1, select(2, on_terminal(60, "FORMAT=json"):gsub("\n", "")))
  end)
end)
