-- What the sniffer proposes for each column, and the rules that it writes.

local cjson = require "cjson"
local csv = require "pghost.sniff"
local native_csv = require "pghost.native.csv"
local sniffed = require "support.sniffed"

local types_of, column_of, has_warning = sniffed.types_of, sniffed.column_of, sniffed.has_warning

describe("types of columns", function()
  it("are those of the type's own parsers", function()
    assert.same({ "bigint", "numeric", "double precision", "boolean", "date", "timestamp", "timestamptz", "time",
      "uuid", "jsonb", "text" }, types_of(([[
id,amount,ratio,flag,day,at,moment,clock,key,doc,name
1,1.50,1e-5,true,2024-01-31,2024-01-31 10:00:00,2024-01-31T10:00:00Z,10:30,UUID1,"{""a"": 1}",Ann
2,-2.25,2.5E10,f,2024-02-29,2024-02-29 11:30:00.5,2024-02-29 11:30:00+02:00,23:59:59,UUID2,"[1, 2]",Bob
]]):gsub("UUID", "8c5a0f0e-3b5e-4c55-9d3f-0a3c6b1f2d4")))
  end)

  it("may be dates in other orders", function()
    assert.equal("DD.MM.YYYY", column_of("31.12.2024", "01.02.2025").format)
    assert.equal("DD/MM/YYYY", column_of("31/12/2024", "01/02/2025").format)
    assert.equal("MM/DD/YYYY", column_of("12/31/2024", "02/01/2025").format)
    assert.equal("DD-Mon-YYYY", column_of("31-Dec-2024", "01-Feb-2025").format)
    assert.equal("YYYY/MM/DD", column_of("2024/12/31", "2025/02/01").format)
    assert.equal("DD/MM/YYYY HH24:MI:SS", column_of("31/12/2024 10:30:00", "01/02/2025 11:45:59").format)
    assert.equal("MM/DD/YYYY HH12:MI AM", column_of("12/31/2024 10:30 PM", "02/01/2025 9:15 AM").format)
    assert.equal("YYYYMMDD", column_of("20240131", "20240229", "20230301", "20241224", "19991231").format)
  end)

  it("say when day and month cannot be told apart", function()
    local result = csv.sniff_string("id,day\n1,01/02/2024\n2,03/04/2024\n3,05/06/2024\n")
    local column = result.columns[2]
    assert.is_true(column.ambiguous)
    assert.equal("DD/MM/YYYY", column.format)
    assert.equal("MM/DD/YYYY", column.alternatives[1].format)
    assert.is_true(column.confidence <= 0.5)
    has_warning(result, "column 'day': date DD/MM/YYYY, or date MM/DD/YYYY: no value tells which")
    assert.matches('{ "day", r.text():required() }, -- 01/02/2024, 03/04/2024, 05/06/2024; kept as text until you '
      .. 'choose: r.date({ format = "DD/MM/YYYY" }):required(), or r.date({ format = "MM/DD/YYYY" }): ',
      csv.rules(result, "t"), 1, true)
  end)

  it("keep the zeros in front of codes", function()
    local column = column_of("01234", "00777", "99999")
    assert.equal("text", column.type)
    assert.equal("bigint", column.alternatives[1].type)
    assert.truthy(column.reason:find("leading zeros", 1, true))
  end)

  it("may be numbers with commas", function()
    local comma = csv.sniff_string("id;x\n1;1.234,5\n2;0,75\n").columns[2]
    assert.same({ "numeric", "," }, { comma.type, comma.decimal })
    local grouped = csv.sniff_string("id;x\n1;1,234.5\n2;12,345,678.00\n").columns[2]
    assert.same({ "numeric", "." }, { grouped.type, grouped.decimal })
    assert.is_true(csv.sniff_string("id;x\n1;1,234\n2;5,678\n").columns[2].ambiguous)
  end)

  it("take words for null, and the empty field", function()
    local column = column_of("1", "N/A", "", "3", "NULL")
    assert.equal("bigint", column.type)
    assert.is_false(column.required)
    assert.same({ "N/A", "NULL" }, column.nulls)
    assert.equal('r.bigint():null_if("N/A", "NULL")', column.rule)
    assert.same({}, column_of("Ann", "NA", "-").nulls)
    assert.is_true(column_of("1", "2").required)
  end)

  it("say which values keep a column from a type", function()
    local values = {}
    for i = 1, 60 do
      values[i] = tostring(i)
    end
    values[30] = "abc"
    local column = column_of(table.unpack(values))
    assert.equal("text", column.type)
    assert.same({ "bigint", "all but 1 value: 'abc' in line 31" },
      { column.alternatives[1].type, column.alternatives[1].reason })
  end)

  it("are not told by blanks alone, which the rule takes for no value", function()
    local text = 'id,a,b,c\n1,5,x,  \n2,"  ",y,  \n3,7,  ,"  "\n4,  ,z,\n'
    local columns = csv.sniff_string(text).columns
    assert.equal('r.bigint():trim():null_if("")', columns[2].rule)
    assert.equal("r.text():trim():required()", columns[3].rule)
    assert.same({ "text", 0, "no value to infer a type from" }, { columns[4].type, columns[4].confidence,
      columns[4].reason })
  end)

  it("count characters, not bytes", function()
    local column = column_of("Łódź", "ß")
    assert.same({ 1, 4 }, { column.min_length, column.max_length })
  end)

  it("leave 0 and 1 open", function()
    local column = column_of("0", "1", "1")
    assert.same({ "bigint", true, "boolean" }, { column.type, column.ambiguous, column.alternatives[1].type })
  end)
end)

describe("the proposed rules", function()
  it("compile, and take every record of the file", function()
    local text = 'Id;Price;Day;Flag;Note;Doc\n'
      .. '1;1.234,5;31.12.2024;true;"a ""b"" \t c";"{}"\n2;N/A;01.02.2024;false;;"[]"\n3;0,5;;t;x;""\n'
    local result = csv.sniff_string(text)
    local rules = assert(load(csv.rules(result, "orders")))()
    assert.equal("orders", rules.name)
    local source <close> = assert(native_csv.open_string(text, result.options))
    local count = 0
    for _, record in source:records() do
      local values = {}
      for i, column in ipairs(result.columns) do
        values[column.name] = record[i]
      end
      local clean, problem = rules:try(values)
      assert(clean, cjson.encode(problem or {}))
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("stand whatever is in names and values", function()
    local result = csv.sniff_string('"a ""b"" \n]] \\n";"--";"--"\n"x\ny\27[31m";2;3\n"]]";4;5\n')
    local text = csv.rules(result, 'we"ird\n')
    assert.is_nil(text:find("\27", 1, true))
    local rules = assert(load(text))()
    assert.equal(3, #rules:columns())
    assert.equal("column_3", rules:columns()[3].name)
  end)
end)
