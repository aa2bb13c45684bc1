-- dialect = "auto" beside options that say how bytes are cut into fields: what is given is taken into account by what
-- is found. Expected is the table that a person sees in the text.

local connection = require "pghost.connection"
local csv = require "pghost.sniff"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

fixture.once(function(keep)
  folder, dsn = keep(pghost.folder()), server.get():database()
end)

-- "id bigint,n text/1,a/2,": names with types, and the rows, NULL as "~"; or what is said of it.
local function load(text, ...)
  pghost.write(folder .. "/a.csv", text)
  local db <close> = connection.open { dsn = dsn }
  db:query "DROP TABLE IF EXISTS public.t"
  local _, err, code = pghost.run({ "--dsn", dsn, "load", "a.csv", "--auto", "--into", "public.t", "--create", ... },
    { cd = folder })
  if code ~= 0 then
    return err
  end
  local list = { db:query([[SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ',' ORDER BY attnum)
    AS all FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0]])[1].all }
  for row in db:query("SELECT * FROM public.t"):rows() do
    local cells = {}
    for i = 1, #row do
      cells[i] = row[i] == nil and "~" or tostring(row[i])
    end
    list[#list + 1] = table.concat(cells, ",")
  end
  return table.concat(list, "/")
end

describe("--auto", function()
  it("takes the text format of COPY for what it is", function()
    assert.equal("id bigint,name text,qty bigint/1,Ann,~/2,Bo\tb,4/3,\\N,7",
      load("id\tname\tqty\n1\tAnn\t\\N\n2\tBo\\tb\t4\n3\t\\\\N\t7\n", "--format", "text"))
    assert.equal("column_1 bigint,column_2 text/1,Ann/2,tab\there",
      load("1\tAnn\n2\ttab\\there\n", "--format", "text", "--no-header"))
    assert.equal("id bigint,qty bigint/1,~/2,5/3,6",
      load("id|qty\n1|\\N\n2|5\n3|6\n", "--format", "text", "--delimiter", "|"))
    assert.is_truthy(load("id\tn\n1\t\\N\n2\tb\n"):find("have it: give format = 'text' (--format text)\n", 1, true))
  end)

  it("finds blanks after closing quotes, and leaves a few of them to the policy", function()
    local text = 'id,n,x\n1,"ann" ,5\n2,"bob" ,6\n3,"cid, jr" ,7\n'
    assert.equal("id bigint,n text,x bigint/1,ann,5/2,bob,6/3,cid, jr,7", load(text))
    assert.same({ blanks_after_quote = "skip" }, csv.sniff_string(text).options)
    local few = 'id,n,x\n1,"ann" ,5\n' .. ('2,"bob",6\n'):rep(9)
    assert.is_truthy(load(few):find("a.csv:2: stray quote", 1, true))
    assert.equal("id bigint,n text,x bigint/1,ann,5" .. ("/2,bob,6"):rep(9),
      load(few, "--blanks-after-quote", "skip"))
  end)

  it("makes no column of delimiters at the end of records where they are to be skipped", function()
    local expected = "id bigint,n text/1,a/2,b/3,c"
    assert.equal(expected, load("id,n,\n1,a,\n2,b,\n3,c,\n", "--trailing-delimiter", "skip"))
    assert.equal(expected, load("id,n\n1,a,\n2,b,\n3,c,\n", "--trailing-delimiter", "skip"))
    assert.equal("id bigint,n text/1,~/2,~", load("id,n\n1,\n2,\n", "--trailing-delimiter", "skip"))
    assert.is_truthy(load("id,name\n1,a,\n2,b,\n3,c,\n"):find("where the records end in a delimiter, give --skip 0 "
      .. "--header 1 --trailing-delimiter skip, else --skip 1 --no-header", 1, true))
    assert.equal(expected,
      load("id,n\n1,a,\n2,b,\n3,c,\n", "--skip", "0", "--header", "1", "--trailing-delimiter", "skip"))
  end)

  it("takes in both where it is to be tolerant", function()
    local text = 'id,n\n1,a,\n2,"b" ,\n3,c"x,\n'
    assert.equal('id text,n text,_extra text/1,a,~/2,b,~/3,c"x,~',
      load(text, "--tolerant", "--quote", '"', "--delimiter", ","))
    assert.is_truthy(load(text, "--tolerant", "--delimiter", ","):find(
      "fields are in quotes, but with spaces", 1, true))
  end)
end)

describe("what is given with --auto", function()
  it("says which lines are comments, also where they have the table's number of fields or another prefix", function()
    local text = "id,n\n1,a\nREM 2,b\n3,c\nREM note\n"
    assert.equal("id bigint,n text/1,a/3,c", load(text, "--comment", "REM"))
    assert.equal("id bigint,n text/1,a/3,c",
      load("// made by hand, today\nid,n\n//2,b\n1,a\n3,c\n", "--comment", "//"))
    assert.equal("id bigint,n text/1,a/2,b",
      load(";x\n;y\n;;;\nid;n\n1;a\n2;b\n", "--comment", ";", "--delimiter", ";"))
  end)

  it("says which character escapes", function()
    assert.equal("id bigint,n text,d date/1,a\"b,2024-01-02/2,c,2024-01-03/3,d,2024-01-04",
      load('id,n,d\n1,"a^"b",2024-01-02\n2,"c",2024-01-03\n3,"d",2024-01-04\n', "--escape", "^"))
    assert.equal("id bigint,n text/1,a,b/2,c", load("id,n\n1,a!,b\n2,c\n", "--escape", "!", "--quote", ""))
  end)

  it("says where the table begins and ends", function()
    -- By itself the first table would be the table.
    assert.equal("id bigint,qty bigint" .. ("/7,5"):rep(9),
      load("a;b;c;d\n" .. ("1;2;3;4\n"):rep(20) .. "id,qty\n" .. ("7,5\n"):rep(9), "--skip", "21"))
    assert.equal("id bigint,qty bigint/1,5/2,6", load("id,qty\n1,5\n2,6\nx,y\nz,z\n", "--footer", "2"))
    assert.equal("id bigint,qty bigint/1,5/2,6", load("id,qty\n1,5\n2,6\n\nend", "--footer", "2"))
    assert.equal("id text,qty bigint,x bigint/1,5,6/2,6,7/3,7,8/Total,~,15",
      load("id,qty,x\n1,5,6\n2,6,7\n3,7,8\nTotal,,15\n", "--footer", "0"))
  end)

  it("says that the first record is data, so that it has a say in the types; or which records are names", function()
    assert.equal("column_1 text,column_2 text/k,v/1,2/3,4", load("k,v\n1,2\n3,4\n", "--no-header"))
    assert.equal("a_x bigint,b_y bigint/5,6/7,8", load("a,b\nx,y\n5,6\n7,8\n", "--header", "2"))
    assert.equal("a text,b text/x,y/5,6/7,8", load("a,b\nx,y\n5,6\n7,8\n", "--header", "1"))
    assert.equal("id bigint,n text/1,a/2,b", load("id,n\n1, a\n2,b\n", "--skip-blanks"))
  end)
end)

describe("a file that could be read in two ways", function()
  it("is loaded in the likelier one with a warning of both", function()
    local path = pghost.write(folder .. "/two.csv", 'id,n\n1,"a\\"b"\n2,"c"\n3,"d"\n4,"e"\n5,"f ""g"""\n')
    local _, err = pghost.run { "--dsn", dsn, "--log-format", "json", "load", path, "--auto", "--into", "public.two",
      "--create", "--max-rejects", "5" }
    assert.is_truthy(err:find('"level":"warn","event":"dialect"[^\n]*it could be read in two ways: delimiter'), err)
    assert.is_nil(err:find '"level":[^"]', err)
  end)
end)

describe("a stray quote", function()
  it("is repaired beside blanks after quotes and delimiters at the end", function()
    local native = require "pghost.native.csv"
    local source <close> = assert(native.open_string('id,n,m\n1,"b" ,c"d,\n2,"e f" ,g"h\n', { stray_quote = "repair",
      blanks_after_quote = "skip", trailing_delimiter = "skip" }))
    local seen = {}
    for line, record, problem in source:records() do
      seen[#seen + 1] = line .. ":" .. (record and table.concat({ record[1], record[2], record[3] }, "|") or problem)
    end
    assert.same({ '2:1|b|c"d', '3:2|e f|g"h' }, seen)
  end)
end)
