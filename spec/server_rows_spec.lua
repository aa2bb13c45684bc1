-- The record that an error of the server is about, where its text could mislead: values, names and statements that look
-- like the context of a COPY, and details that are longer than a message. The numbers of lines are those of the files.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

local function psql(sql)
  return (pghost.psql(dsn, sql))
end

local function load(into, words)
  return pghost.run({ "--dsn", dsn, "load", "f.csv", "--into", into, table.unpack(words or {}) }, { cd = folder })
end

local allow = { "--max-rejects", "9", "--rejects", "r.csv", "--force" }

local function repeated(count, each)
  local list = {}
  for i = 1, count do
    list[i] = each:format(i)
  end
  return table.concat(list, ",")
end

-- table, its definition, file, line of the record, what is said of it
local cases = {
  ["a value, of a type of an extension"] = { "t", "(k int, v ltree)",
    'k,v\n1,a\n2,b\n3,"a COPY q, line 1, column k"\n4,c\n', 4, "v: ltree syntax error" },
  ["a value with a line of its own"] = { "t", "(k int, v money)",
    'k,v\n1,1\n2,"2"\n3,"x\nCOPY t, line 1, column k: "\n4,4\n', 4, "v: invalid input syntax for type money" },
  ["the name of the table"] = { '"a COPY b, line 1, column k z"', "(k int, v ltree)", "k,v\n1,a\n2,b\n3,a ?\n4,c\n", 4,
    "v: ltree syntax error" },
  ["the name of the table, with quotes and a dot"] = { '"a"".""b (, 1"', "(k int, v ltree)",
    "k,v\n1,a\n2,b\n3,a ?\n4,c\n", 4, "v: ltree syntax error" },
  ["the name of a constraint"] = { "t", '(k int, v text, CONSTRAINT "COPY t, line 1, column k" CHECK (k <> 3))',
    "k,v\n1,a\n2,b\n3,c\n4,d\n", 4, 'violates check constraint "COPY t, line 1, column k"' },
  ["a failing row that is longer than a message"] = { "t",
    ("(%s, k int CHECK (k <> 3))"):format(repeated(40, "c%d text")),
    ("%s,k\n%s,1\n%s,2\n%s,3\n%s,4\n"):format(repeated(40, "c%d"), table.unpack((function()
      local row = repeated(40, ("x"):rep(60) .. "%d")
      return { row, row, row, row }
    end)())), 4, "violates check constraint" },
  ["a statement that is longer than a message"] = { "t", ([[(k int, v text);
    CREATE OR REPLACE FUNCTION divide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'SELECT 1 /* %s */ / (3 - ' || NEW.k || ')'; RETURN NEW; END $$;
    CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION divide()]]):format(("y"):rep(2000)),
    "k,v\n1,a\n2,b\n3,c\n4,d\n", 4, "division by zero" },
}

describe("the record that the server refuses", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    psql "CREATE EXTENSION ltree"
  end)

  for name, case in pairs(cases) do
    local into, definition, text, line, reason = table.unpack(case)
    it("is told by its own line: " .. name, function()
      psql(("DROP TABLE IF EXISTS %s; CREATE TABLE %s %s"):format(into, into, definition))
      pghost.write(folder .. "/f.csv", text)
      local _, err, code = load(into)
      assert.equal(1, code, err)
      assert.matches(("^pghost: f.csv:%d: "):format(line), err)
      assert.matches(reason, err, 1, true)
      assert.is_nil(err:find "[ \n]COPY [^\n]*, line %d+[^\n\"]*\n", err)
      _, err, code = load(into, allow)
      assert.equal(0, code, err)
      assert.matches(("rejected: f.csv:%d: "):format(line), err, 1, true)
      assert.equal("1\n2\n4\n", psql(("SELECT k FROM %s ORDER BY k"):format(into)))
    end)
  end
end)
