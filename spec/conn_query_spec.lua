-- Queries over a connection: values in and out, errors, and what they leave.

local backends = require "support.backends"
local fixture = require "support.fixture"
local native = require "pghost.native.conn"

local activity, terminate, fails = backends.activity, backends.terminate, backends.fails

describe("a connection's", function()
  local conn

  fixture.each(function(keep)
    conn = backends.connection(keep)
  end)

  describe("query", function()
    it("keeps integers exact", function()
      local row = assert(conn:query([[select 9223372036854775807::bigint as max, (-9223372036854775808)::bigint as min,
        32767::smallint as small, (-2147483648)::int as int, $1::bigint as bound]], math.mininteger))[1]
      assert.equal(math.maxinteger, row.max)
      assert.equal(math.mininteger, row.min)
      assert.equal(math.mininteger, row.bound)
      assert.equal("integer", math.type(row.small))
      assert.equal(-2147483648, row.int)
    end)

    it("gives floats, booleans, and everything else as text", function()
      local row = assert(conn:query([[select 0.1::float8, 'NaN'::float8, '-Infinity'::float8, 1.5::real, true, false,
        123456789012345678901234567890.50::numeric, '2024-02-29 10:00:00'::timestamp, array[1,2],
        '{"a": 1}'::jsonb]]))[1]
      assert.equal(0.1, row[1])
      assert.is_true(row[2] ~= row[2])
      assert.equal(-math.huge, row[3])
      assert.equal(1.5, row[4])
      assert.is_true(row[5])
      assert.is_false(row[6])
      assert.equal("123456789012345678901234567890.50", row[7])
      assert.equal("2024-02-29 10:00:00", row[8])
      assert.equal("{1,2}", row[9])
      assert.equal('{"a": 1}', row[10])
    end)

    it("binds parameters as they are", function()
      local row = assert(conn:query("select $1::text, $2::bigint, $3::float8, $4::boolean, $5::text, $6::boolean",
        "'; drop table x; --", 42, 0.1, true, nil, false))[1]
      assert.same({ "'; drop table x; --", 42, 0.1, true, nil, false },
        { row[1], row[2], row[3], row[4], row[5], row[6] })
      local floats = assert(conn:query("select $1::float8, $2::float8, $3::float8", 0 / 0, 1 / 0, 2 ^ 53))[1]
      assert.is_true(floats[1] ~= floats[1])
      assert.equal(math.huge, floats[2])
      assert.equal(2.0 ^ 53, floats[3])
    end)

    it("counts trailing nils as parameters", function()
      assert.is_nil(assert(conn:query("select $1::text", nil))[1][1])
      fails("08P01", "2 parameters", conn:query("select $1::text", "a", nil))
    end)

    it("refuses what cannot be a parameter", function()
      assert.has_error(function() conn:query("select $1", {}) end,
        "bad argument #2 to 'query' (string, number, boolean or nil expected, got table)")
      assert.has_error(function() conn:query("select $1", "a\0b") end,
        "bad argument #2 to 'query' (text with a NUL byte: pass bytes as conn.bytea)")
      fails("22021", "invalid byte sequence", conn:query("select $1::text", "\xff"))
    end)

    it("keeps all 256 bytes, in both output formats", function()
      local bytes = {}
      for byte = 0, 255 do
        bytes[#bytes + 1] = string.char(byte)
      end
      local all = table.concat(bytes)
      assert(conn:exec("create table b (v bytea)"))
      assert(conn:query("insert into b values ($1)", native.bytea(all)))
      for _, format in ipairs { "hex", "escape" } do
        assert(conn:exec("set bytea_output = " .. format))
        assert.equal(all, conn:query("select v from b")[1].v)
      end
      assert.equal(256, conn:query([[select count(*) from b, generate_series(0, 255) i
        where get_byte(v, i) = i and length(v) = 256]])[1][1])
      assert.equal("", conn:query("select ''::bytea")[1][1])
    end)

    it("keeps NULL apart from ''", function()
      local row = assert(conn:query("select '' as empty, null as nothing, null as more"))[1]
      assert.equal("", row.empty)
      assert.is_nil(row.nothing)
      assert.equal(3, #row)
      local names, values = {}, {}
      for name, value in pairs(row) do
        names[#names + 1] = name
        values[name] = value
      end
      assert.same({ "empty", "nothing", "more" }, names)
      assert.same({ empty = "" }, values)
    end)

    it("gives the first of columns of one name by name, and all by position", function()
      local result = assert(conn:query("select 1 as a, 2 as b, 3 as a"))
      assert.equal(1, result[1].a)
      assert.equal(3, result[1][3])
      assert.same({ "a", "b", "a" }, result:columns())
      local seen = {}
      for name, value in pairs(result[1]) do
        seen[#seen + 1] = name .. value
      end
      assert.same({ "a1", "b2", "a3" }, seen)
    end)

    it("gives rows by position, by iteration and by count", function()
      local result = assert(conn:query("select i from generate_series(1, 5) i"))
      assert.equal(5, #result)
      assert.equal(5, result.affected)
      assert.equal(1, result[1].i)
      assert.is_nil(result[0])
      assert.is_nil(result[6])
      local sum = 0
      for row in result:rows() do
        sum = sum + row.i
      end
      assert.equal(15, sum)
      assert.is_nil(result[1].unknown)
    end)

    it("names the types", function()
      local result = assert(conn:query([[select 1::int8, 1::int4, 1::int2, 'a'::text, 'a'::varchar(3), 1::numeric,
        now(), now()::timestamp, now()::date, true, ''::bytea, '{}'::jsonb, gen_random_uuid(), 1.0::float8, 1.0::real,
        '(1,2)'::point]]))
      assert.same({ "bigint", "integer", "smallint", "text", "character varying", "numeric", "timestamptz", "timestamp",
        "date", "boolean", "bytea", "jsonb", "uuid", "double precision", "real", "oid 600" }, result:types())
    end)

    it("counts what a statement changed", function()
      assert.equal(0, assert(conn:query("create table t (i int)")).affected)
      assert.equal(3, assert(conn:query("insert into t values (1), (2), (3)")).affected)
      assert.equal(2, assert(conn:query("delete from t where i > 1")).affected)
      assert.equal(0, #assert(conn:query("select * from t where i > 100")))
      assert.same({ "i" }, assert(conn:query("select * from t")):columns())
    end)

    it("fails with message, detail and SQLSTATE, and goes on", function()
      fails("22012", "^division by zero$", conn:query("select 1/0"))
      fails("42601", "^syntax error at or near \"selec\"\n  position: 1$", conn:query("selec 1"))
      fails("42601", "cannot insert multiple commands", conn:query("select 1; select 2"))
      assert(conn:exec("create table k (i int primary key); insert into k values (1)"))
      fails("23505", "^duplicate key value violates [^\n]*\n  detail: Key %(i%)=%(1%) already exists",
        conn:query("insert into k values (1)"))
      fails("42703", "^column \"j\" does not exist", conn:query("select j from k"))
      fails("P0001", "^two lines\n  detail: first\n    second\n  hint: do\n  context: ",
        conn:query("do $$ begin raise 'Two\nlines' using detail = E'first\nsecond', hint = 'do'; end $$"))
      assert.equal("idle", conn:status())
      assert.equal(1, conn:query("select 1")[1][1])
    end)

    it("cuts long messages between characters", function()
      for pad = 0, 3 do
        local _, message = conn:query(("do $$ begin raise '%s'; end $$"):format(("x"):rep(pad) .. ("€"):rep(600)))
        assert.is_truthy(utf8.len(message))
        assert.is_true(#message > 1000)
      end
    end)

    it("refuses COPY and stays usable", function()
      assert(conn:exec("create table c (i int)"))
      local large = "copy (select generate_series(1, 3000000)) to stdout"
      for _, text in ipairs { "copy c from stdin", "copy c to stdout", large } do
        fails("0A000", "^COPY FROM STDIN and TO STDOUT cannot be run", conn:query(text))
        fails("0A000", "^COPY FROM STDIN and TO STDOUT cannot be run", conn:exec("select 1; " .. text .. "; select 2"))
        local iterate, stream = assert(conn:stream(text))
        assert.has_error(function() iterate(stream) end)
        assert.equal("idle", conn:status())
        assert.equal("idle", activity(conn:pid()))
      end
      assert.equal(0, conn:query("select count(*) from c")[1][1])
    end)

    it("reports a statement timeout", function()
      assert(conn:exec("set statement_timeout = 100"))
      fails("57014", "^canceling statement due to statement timeout$", conn:query("select pg_sleep(10)"))
      assert.equal("idle", conn:status())
    end)

    it("reports a terminated backend, and stays lost", function()
      terminate(conn:pid())
      fails("57P01", "^terminating connection due to administrator command$", conn:query("select 1"))
      assert.equal("lost", conn:status())
      fails("08006", "^[^\n]+$", conn:query("select 1"))
      fails("08006", "^[^\n]+$", conn:exec("select 1"))
      fails("08006", "^[^\n]+$", conn:stream("select 1"))
      fails("08006", "^[^\n]+$", conn:transaction(function() end))
      conn:close()
    end)
  end)
end)
