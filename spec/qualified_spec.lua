-- SQL in the library calls functions of the server by their schema: read from the sources, so also what no
-- scenario of shadow_spec.lua runs. A function called without it is found by name in pg_proc.

local assert = require "luassert"
local pghost = require "support.pghost"
local server = require "support.server"

-- Words that the grammar knows and calls by its own schema, or that are no functions before a parenthesis.
local grammar = {}
for word in ([[coalesce greatest least nullif extract overlay position substring trim cast row array exists any all some
  in values between interval normalize xmlconcat xmlelement xmlforest xmlparse xmlroot xmlserialize int integer bigint
  smallint numeric decimal varchar char character bit time timestamp date json format_ name text bytea float unique
  check references key default options with over filter within group set order by on using as and or not select where
  from join lateral table index include partition primary foreign returning limit]]):gmatch("%S+") do
  grammar[word] = true
end

-- The strings of a Lua source that hold SQL; comments and other strings are left out.
local function sql_strings(text)
  local out = {}
  text = text:gsub("%-%-%[%[.-%]%]", ""):gsub("([^\n]*)", function(line)
    return line:match("^%s*%-%-") and "" or line
  end)
  local function add(piece)
    if piece:find("%f[%w]SELECT%f[%W]") or piece:find("%f[%w]UPDATE%f[%W]") or piece:find("%f[%w]INSERT%f[%W]")
      or piece:find("%f[%w]DELETE%f[%W]") or piece:find("%f[%w]FROM%f[%W]") or piece:find("%f[%w]WHERE%f[%W]")
      or piece:find("%f[%w]CASE%f[%W]") or piece:find("%f[%w]COPY%f[%W]") then
      out[#out + 1] = piece
    end
  end
  text = text:gsub("%[(=*)%[(.-)%]%1%]", function(_, piece)
    add(piece)
    return '""'
  end)
  for piece in text:gmatch('"([^"\n]*)"') do
    add(piece)
  end
  return out
end

-- Unqualified calls in SQL, of functions that the server has.
local function calls(sql, functions)
  local found = {}
  sql = sql:gsub("%-%-[^\n]*", ""):gsub("'[^'\n]*'", "''")
  for before, word in sql:gmatch("([%w_%.\":$]*)%f[%w_]([%a_][%w_]*)%s?%(") do
    word = word:lower()
    if before == "" and functions[word] and not grammar[word] then
      found[#found + 1] = word
    end
  end
  return found
end

-- Operators that the server has for no such pair of types, so that any schema of the path can have a match.
local function operators(sql)
  local found = {}
  sql = sql:gsub("%-%-[^\n]*", ""):gsub("'[^'\n]*'", "''") .. " "
  for after in sql:gmatch("[=<>]%s*[%w_.$'\"%%:]*::regclass([^%w_])") do
    found[#found + 1] = after ~= ":" and "= regclass" or nil
  end
  for _ in sql:gmatch("::regclass%s*[=<>]") do
    found[#found + 1] = "regclass ="
  end
  for name, after in sql:gmatch("[=<>]%s*[%w_.]*(to_reg%a+)%b()(.)") do
    found[#found + 1] = after ~= ":" and "= " .. name or nil
  end
  for operator in sql:gsub("OPERATOR%b()", ""):gmatch("%-?#?>>?") do
    if operator:find("^%->") or operator:find("^#>") then
      found[#found + 1] = operator
    end
  end
  return found
end

-- Publishing looks up names in pg_catalog alone (publish/session.lua) and need not qualify them, and so does
-- what clears a build schema; shadow_spec.lua sees whether it does.
-- What `pghost init` writes is its user's SQL, as a user would write it.
local function is_exempt(path)
  return path:find("^publish/") or path == "run/build_schema.lua" or path == "init/questions.lua"
end

describe("SQL in the library", function()
  it("calls every function of the server by its schema, and no operator that could be anybody's", function()
    local functions = {}
    local names = "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    for word in server.get():psql(names):gmatch("%S+") do
      functions[word] = true
    end
    local root, bad, seen = pghost.root .. "/scripts/pghost/", {}, 0
    local files = io.popen("cd " .. root .. " && find . -name '*.lua' | sort")
    for path in files:lines() do
      path = path:gsub("^%./", "")
      for _, sql in ipairs(is_exempt(path) and {} or sql_strings(pghost.read(root .. path))) do
        seen = seen + 1
        local words = calls(sql, functions)
        table.move(operators(sql), 1, #operators(sql), #words + 1, words)
        for _, word in ipairs(words) do
          bad[path] = (bad[path] and bad[path] .. ", " or "") .. word
        end
      end
    end
    files:close()
    assert.truthy(seen > 100)
    local list = {}
    for path, words in pairs(bad) do
      list[#list + 1] = path .. ": " .. words
    end
    table.sort(list)
    assert.equal("", table.concat(list, "\n"))
  end)

  it("would be found", function()
    local functions = { concat_ws = true, count = true }
    assert.same({ "concat_ws", "count" }, calls("SELECT concat_ws(',', a), pg_catalog.count(*), count (*)", functions))
    assert.same({ "= regclass", "= to_regclass", "->>" },
      operators("SELECT 1 WHERE a = $1::text::regclass AND b = to_regclass($1) AND c ->> 'a' = 'b'"))
    assert.same({}, operators("SELECT 1 WHERE a = $1::regclass::oid AND c OPERATOR(pg_catalog.->>) 'a' = '->'"))
    assert.same({ "SELECT a(1)" }, sql_strings('-- "SELECT x(1)"\nlocal a = f([[SELECT a(1)]], "no f(1)")'))
  end)
end)
