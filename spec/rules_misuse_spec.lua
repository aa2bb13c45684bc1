-- Rules that make no sense: an error at the line that wrote them, which says what is expected.

local r = require "pghost.rules"
local native = require "pghost.native.rules"

describe("misuse raises at the caller's line", function()
  local function message_of(fn)
    local ok, message = pcall(fn)
    assert.is_false(ok)
    local line = debug.getinfo(fn, "S").linedefined
    local position, rest = message:match("^.-rules_misuse_spec%.lua:(%d+): (.*)$")
    assert.equal(line, tonumber(position), message)
    return rest
  end

  it("in columns", function()
    assert.equal("null_if: at least one value expected", message_of(function() r.text():null_if() end))
    assert.equal("null_if: unknown option 'case'", message_of(function() r.text():null_if({ "a" }, { case = 1 }) end))
    assert.equal("varchar: integer from 1 expected, got '0'", message_of(function() r.varchar(0) end))
    assert.equal("char: integer from 1 expected, got '0'", message_of(function() r.char(0) end))
    assert.equal('array: type expected, as "bigint" or r.bigint(), got nil', message_of(function() r.array() end))
    assert.equal("array: a type without operations, checks and format expected",
      message_of(function() r.array(r.text():trim()) end))
    assert.equal("enum: labels expected, or a name and labels", message_of(function() r.enum("a", "b") end))
    assert.equal("enum: at least one value expected", message_of(function() r.enum {} end))
    assert.equal('domain: name and type expected, as domain("amount", r.integer())',
      message_of(function() r.domain("a", "integer") end))
    assert.equal("type: name expected, got nil", message_of(function() r.type() end))
    assert.equal("check_row: function expected, got string", message_of(function() r.check_row("id") end))
    assert.equal("date: unknown option 'fmt'", message_of(function() r.date { fmt = "x" } end))
    assert.equal("default: string, number or boolean expected, got table",
      message_of(function() r.text():default {} end))
    assert.equal("decimal: the column is of type 'text', not a number",
      message_of(function() r.text():decimal(",") end))
    assert.equal("decimal: one character before the decimals expected, got 'ab'",
      message_of(function() r.numeric():decimal("ab") end))
    assert.equal("replace: text to look for expected, got ''", message_of(function() r.text():replace("", "x") end))
    assert.equal("range: a minimum, a maximum or both expected", message_of(function() r.text():range() end))
    assert.equal("length minimum: integer from 0 expected, got '-1'", message_of(function() r.text():length(-1) end))
    assert.equal("matches: pattern expected, got nil", message_of(function() r.text():matches() end))
    assert.equal("on_fail: 'reject', 'null', 'default' or 'warn' expected, got 'ignore'",
      message_of(function() r.text():on_fail("ignore") end):gsub("\n", ""))
    assert.equal("on_fail: default needs a value", message_of(function() r.text():on_fail("default") end))
    assert.equal("on_fail: 'null' takes no value", message_of(function() r.text():on_fail("null", 1) end))
    assert.equal("compare: unknown operator '=<'", message_of(function() r.compare("a", "=<", "b") end))
    assert.equal("check: function expected, got nil", message_of(function() r.check({ "a" }) end))
  end)

  local function table_message(columns, options)
    return message_of(function() r.table("t", columns, options) end)
  end

  it("in tables", function()
    local x = { "x", r.integer() }
    local cases = {
      { { { "x", "integer" } }, nil, "column 1: { \"name\", type } expected, as { \"id\", r.bigint() }" },
      { { x, { "X", r.text() } }, nil, "column 'X': duplicate name" },
      { { { ("x"):rep(64), r.text() } }, nil, "column '" .. ("x"):rep(64) .. "': a column name has 1 to 63 bytes" },
      { { x }, { key = "y" }, "key: unknown column 'y'" },
      { { x, y = r.text() }, nil, "columns: list expected, got field 'y'" },
      { { x, nil, x }, nil, "columns: list with a nil in it" },
      { { x }, { row = "x > 1" }, "row: list expected, got string" },
      { {}, nil, "a rule table needs at least one column" },
      { { { "x", r.text():matches("a(b") } }, nil,
        "column 'x': bad pattern (missing closing parenthesis at character 4): 'a(b'" },
      { { { "x", r.integer():range("a", 2) } }, nil, "column 'x': range min: not an integer 'a'" },
      { { { "x", r.integer():range(3, 2) } }, nil, "column 'x': range minimum is above the maximum: '3'" },
      { { { "x", r.integer():one_of("1.5") } }, nil, "column 'x': one_of: not an integer '1.5'" },
      { { { "x", r.integer():trim():default("n/a") } }, nil, "column 'x': default: not an integer 'n/a'" },
      { { { "x", r.integer():on_fail("default", "n/a") } }, nil, "column 'x': on_fail default: not an integer 'n/a'" },
      { { { "x", r.integer():on_fail("null") } }, { key = "x" },
        "column 'x': required cannot be combined with on_fail \"null\"" },
      { { { "x", r.json():one_of("1") } }, nil,
        "column 'x': one_of needs values that can be compared, which json cannot" },
      { { { "x", r.type("public.point"):range(1) } }, nil,
        "column 'x': range needs values that can be compared, which public.point cannot" },
      { { { "x", r.enum { "a", "a" } } }, nil, "column 'x': duplicate label 'a'" },
      { { { "x", r.enum { ("a"):rep(64) } } }, nil,
        "column 'x': a label of an enum has at most 63 bytes: '" .. ("a"):rep(60) .. "...'" },
      { { { "x", r.enum("int", { "a" }) } }, nil, "column 'x': labels are for an enum, by its name, or text" },
      { { { "x", r.domain("int", r.text()) } }, nil, "column 'x': not the name of a domain 'int'" },
      { { { "x", r.domain("a; b", r.text()) } }, nil, "column 'x': not the name of a domain 'a; b'" },
      { { { "x", r.type("a; drop table b") } }, nil, "column 'x': not the name of a type: 'a; drop table b'" },
      { { { "x", r.integer() }, { "y", r.type("money") } }, { row = { r.compare("y", "<", "y") } },
        "compare: 'y' (money) cannot be compared with 'y' (money)" },
      { { x }, { row = r.compare("x", "<", "x") }, "row: list expected, got field '.-'" },
      { { x }, { row = { r.compare("x", "<", "y") } }, "compare: unknown column 'y'" },
      { { x, { "y", r.text() } }, { row = { r.compare("x", "<", "y") } },
        "compare: 'x' (integer) cannot be compared with 'y' (text)" },
      { { x }, { row = { r.filter("x", "=", "a") } }, "column 'x': filter: not an integer 'a'" },
      { { x }, { row = { r.check({ "x", "z" }, print) } }, "check: unknown column 'z'" },
      { { x }, { row = { "x > 1" } }, "row: entry 1 is a string, table expected" },
      { { { "x", r.text():null_if("\xff") } }, nil, "column 'x': values: not valid UTF-8" },
    }
    for _, case in ipairs(cases) do
      local message = table_message(case[1], case[2])
      if not message:find("^rules 't': " .. case[3] .. "$") then
        assert.equal("rules 't': " .. case[3], message)
      end
    end
    local message = table_message { { "x", r.date { format = "DD/QQ" } } }
    assert.matches("^rules 't': column 'x': bad format 'DD/QQ': ", message)
    assert.equal("table: unknown option 'keys': did you mean 'key'?", table_message({ x }, { keys = "x" }))
    assert.equal("rules 't': try: unknown column 'y'", message_of(function() r.table("t", { x }):try { y = 1 } end))
  end)

  it("in hand-written rule tables", function()
    local function compile_message(rules)
      return message_of(function() native.compile(rules) end)
    end
    local function column(more)
      more.name, more.type = "x", more.type or "text"
      return { name = "t", more }
    end
    assert.equal("rules '?': name: string expected, got nil", compile_message {})
    local cases = {
      { { type = "a b" }, "not the name of a type: 'a b'" },
      { { operations = { { op = "strip" } } }, "unknown operation 'strip'" },
      { { operations = { {} } }, "op: string expected, got nil" },
      { { operations = "trim" }, "operations: table expected, got string" },
      { { operations = { { op = "default" } } }, "value: string, number or boolean expected, got nil" },
      { { operations = { { op = "replace", from = "", to = "" } } }, "replace needs a text to look for, not ''" },
      { { checks = { { check = "even" } } }, "unknown check 'even'" },
      { { checks = { { check = "length", min = 1.5 } } }, "length min: integer from 0 expected, got '1.5'" },
      { { failure = { action = "stop" } }, "on_fail: unknown action 'stop'" },
      { { failure = { acton = "null" } }, "on_fail: unknown key 'acton': did you mean 'action'?" },
      { { operatoins = {} }, "column: unknown key 'operatoins': did you mean 'operations'?" },
      { { operations = { { op = "replace", form = "a", to = "" } } }, "op: unknown key 'form': did you mean 'from'?" },
      { { operations = { { op = "trim", values = {} } } }, "op: unknown key 'values'" },
      { { checks = { { check = "range", min = 1, mx = 2 } } }, "check: unknown key 'mx': did you mean 'max'?" },
    }
    for _, case in ipairs(cases) do
      assert.equal("rules 't': column 'x': " .. case[2], compile_message(column(case[1])))
    end
    assert.equal("rules 't': table: unknown key 'on_eror': did you mean 'on_error'?",
      compile_message { name = "t", on_eror = "stop", { name = "x", type = "text" } })
    assert.equal("rules 't': compare: unknown key 'rigth': did you mean 'right'?",
      compile_message { name = "t", row = { { rule = "compare", left = "x", rigth = "x" } },
        { name = "x", type = "text" } })
  end)
end)
