local server = require "support.server"
local sql = require "pghost.lib.sql"

local function bind(text, parameters)
  return sql.parse(text):bind(parameters)
end

describe("pghost.sql", function()
  local parameters = {
    as_of = sql.parameter("2024-06-30", "timestamp"),
    n = sql.parameter(3),
    flag = sql.parameter(true),
    x = sql.parameter(0.5),
    word = sql.parameter("w"),
  }

  it("gives each name one number and the type of its value", function()
    local text, values = bind("SELECT :as_of, :n, :as_of, :flag, :x, :word", parameters)
    assert.equal("SELECT $1::timestamp, $2::bigint, $1::timestamp, $3::boolean, $4::double precision, $5::text", text)
    assert.same({ "2024-06-30", 3, true, 0.5, "w", n = 5 }, values)
  end)

  it("keeps the number of values when one is null", function()
    local text, values = bind("SELECT :a, :b", { a = sql.parameter(nil, "date"), b = sql.parameter(1) })
    assert.equal("SELECT $1::date, $2::bigint", text)
    assert.equal(2, values.n)
    assert.is_nil(values[1])
  end)

  it("leaves strings, identifiers, casts and dollar quotes alone", function()
    for _, text in ipairs {
      "SELECT ':n', 'it''s :n'",
      "SELECT E'\\':n', e'\\\\'",
      'SELECT 1 AS ":n", 2 AS "a"":n"',
      "SELECT '1'::int, x::text",
      "SELECT $$ :n $$, $tag$ :n $$ :n $tag$",
      "SELECT array[1,2,3][1:2]",
      "SELECT f(a := 1)",
      "SELECT name':n'",
      "SELECT $1",
    } do
      assert.equal(text, (bind(text, {})))
    end
  end)

  it("takes comments out, nested ones too", function()
    assert.equal("SELECT 1  , 2   + $1::bigint",
      (bind("-- about :n\nSELECT 1 /* :n /* :n */ ' */, 2 -- it's\n + :n", parameters):gsub("\n", "")))
  end)

  it("reads parameters right behind operators and before casts", function()
    assert.equal("SELECT a>$1::bigint-$1::bigint, $1::bigint::text", (bind("SELECT a>:n-:n, :n::text", parameters)))
  end)

  it("lets one closing semicolon go and refuses a second statement", function()
    assert.equal("SELECT 1", (bind("SELECT 1 ; -- done\n ;\n", {})))
    local _, problem = pcall(sql.parse, "SELECT 1; DROP TABLE x", "q.sql")
    assert.equal("q.sql: more than one statement", tostring(problem))
  end)

  it("says which parameters there are", function()
    local _, problem = pcall(function()
      sql.parse("SELECT :nn", "q.sql"):bind { n = sql.parameter(1), a = sql.parameter(1) }
    end)
    assert.equal("q.sql: no parameter ':nn': did you mean ':n'? (has: a, n)", tostring(problem))
  end)

  it("says where a string or comment does not end", function()
    for text, message in pairs {
      ["SELECT\n 'x"] = "q.sql:2: unterminated string\n   'x\n   ^",
      ["SELECT\n\n /* x"] = "q.sql:3: unterminated comment\n   /* x\n   ^",
      ["SELECT $a$ x $b$"] = "q.sql:1: unterminated string\n  SELECT $a$ x $b$\n         ^",
    } do
      local _, problem = pcall(sql.parse, text, "q.sql")
      assert.equal(message, tostring(problem))
    end
  end)

  it("knows an ORDER BY of the statement's own", function()
    assert.is_true(sql.parse("SELECT 1 ORDER /* x */\n BY 1").ordered)
    assert.is_false(sql.parse("SELECT row_number() OVER (ORDER BY x) FROM y GROUP BY z").ordered)
    assert.is_false(sql.parse("SELECT 'ORDER BY'").ordered)
  end)

  it("describes with typed nulls", function()
    assert.equal("SELECT NULL::timestamp - interval '1 day'",
      sql.parse("SELECT :as_of - interval '1 day'"):describe(parameters))
  end)

  it("splits as the server does: the server takes what it left alone", function()
    local out = server.get():psql([[
      SELECT ':n' || 'it''s' || E'\':n' || $$:n$$ || $tag$ $$ :n $tag$ || (array['a','b'])[2] /* /* ' */ */]])
    assert.equal(":nit's':n:n $$ :n b", out)
  end)
end)
